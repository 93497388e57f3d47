package hwa

import (
	"context"
	"net/url"
	"strconv"
	"strings"
)

// EngineInfo reads version and capabilities of the engine: the first probe of a connection and of the login.
func (c *Client) EngineInfo(ctx context.Context) (*EngineInfo, error) {
	out := new(EngineInfo)
	if err := c.get(ctx, "read_engine_info", "", "/engine/info", nil, out); err != nil {
		return nil, err
	}
	return out, nil
}

// AtLeast reports whether the engine's version is the given one or later, e.g. AtLeast(10, 2). An unreadable version is not.
func (e *EngineInfo) AtLeast(want ...int) bool {
	parts := strings.FieldsFunc(orText(e.FullVersion, e.DisplayVersion), func(r rune) bool { return r < '0' || r > '9' })
	for i, w := range want {
		if i >= len(parts) {
			return i > 0 && w == 0
		}
		if n, err := strconv.Atoi(parts[i]); err != nil || n != w {
			return err == nil && n > w
		}
	}
	return true
}

// EngineConfiguration reads the engine's settings.
func (c *Client) EngineConfiguration(ctx context.Context) (map[string]ConfigValue, error) {
	var out map[string]ConfigValue
	err := c.get(ctx, "read_engine_configuration", "", "/engine/configuration", nil, &out)
	return out, err
}

// EngineSetting reads one of the engine's settings.
func (c *Client) EngineSetting(ctx context.Context, key string) (*ConfigValue, error) {
	return one[ConfigValue](ctx, c, "read_engine_setting", "/engine/configuration/%s", key, "")
}

// SetEngineSetting changes one of the engine's settings and returns what the engine made of it.
func (c *Client) SetEngineSetting(ctx context.Context, key, value string) (*ConfigValue, error) {
	a := action{op: "set_engine_setting", path: "/engine/configuration", query: url.Values{"key": {key}, "value": {value}}}
	if err := checkID(key); err != nil {
		return nil, invalid(words(a.op, ""), "the key: %w", err)
	}
	out := new(ConfigValue)
	if err := c.act(ctx, a, key, Justification{}, readMaybeJSON(out)); err != nil {
		return nil, err
	}
	return out, nil
}

// EngineUsers lists the users the engine knows.
func (c *Client) EngineUsers(ctx context.Context) ([]string, error) {
	var out struct {
		Users []string `json:"users"`
	}
	err := c.get(ctx, "list_engine_users", "", "/engine/users", nil, &out)
	return out.Users, err
}

// EngineGroups lists the groups the engine knows.
func (c *Client) EngineGroups(ctx context.Context) ([]string, error) {
	var out struct {
		Groups []string `json:"groups"`
	}
	err := c.get(ctx, "list_engine_groups", "", "/engine/groups", nil, &out)
	return out.Groups, err
}

// ReadPermission lists the calling user's permissions.
func (c *Client) ReadPermission(ctx context.Context) (map[string]string, error) {
	var out map[string]string
	err := c.get(ctx, "read_permissions", "", "/engine/read_permission", nil, &out)
	return out, err
}

// ObjectsInfo reads the engine's own description of actions and statuses, of one type of object or, with "", of all.
func (c *Client) ObjectsInfo(ctx context.Context, objects ObjectType) (map[string]ObjectInfo, error) {
	q := url.Values{}
	if objects != "" {
		q.Set("object_type", string(objects))
	}
	var out map[string]ObjectInfo
	err := c.get(ctx, "read_objects_info", string(objects), "/objects-info", q, &out)
	return out, err
}
