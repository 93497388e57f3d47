package policy

import (
	"slices"

	"github.com/cedar-policy/cedar-go"
)

// The entity types policies may name.
const (
	typeUser       = "User"
	typeRole       = "Role"
	typeAction     = "Action"
	typeTool       = "Tool"
	typePermission = "Permission"
)

// contextNames are the attributes of context in the order of default.cedar.
func contextNames() []string {
	return []string{"user", "tool", "permission", "engine", "environment", "risk", "requester", "risk_level",
		"self", "four_eyes", "engine_read_only", "frozen"}
}

// cedar puts the request into Cedar's words.
func (r Request) cedar(frozen bool) (cedar.Request, entities) {
	req := cedar.Request{
		Principal: cedar.NewEntityUID(typeUser, cedar.String(r.User)),
		Action:    cedar.NewEntityUID(typeAction, cedar.String(r.Action)),
		Resource:  cedar.NewEntityUID(typeTool, cedar.String(r.Tool)),
		Context: cedar.NewRecord(cedar.RecordMap{
			"user":             cedar.String(r.User),
			"tool":             cedar.String(r.Tool),
			"permission":       cedar.String(r.Permission),
			"engine":           cedar.String(r.EngineName),
			"environment":      cedar.String(r.EngineEnvironment),
			"risk":             cedar.String(r.Risk),
			"requester":        cedar.String(r.Requester),
			"risk_level":       cedar.Long(riskLevel(r.Risk)),
			"self":             cedar.Boolean(r.User == r.Requester),
			"four_eyes":        cedar.Boolean(r.fourEyes()),
			"engine_read_only": cedar.Boolean(r.EngineReadOnly),
			"frozen":           cedar.Boolean(frozen),
		}),
	}
	return req, entities{user: req.Principal, roles: r.Roles, tool: req.Resource, permission: r.Permission}
}

// entities tells Cedar who is in what: a user in their roles, a role in the
// next weaker one, a tool in its permission.
type entities struct {
	user       cedar.EntityUID
	roles      []string
	tool       cedar.EntityUID
	permission string
}

// Get is asked by Cedar for an entity and its parents.
func (e entities) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	parent := func(typ cedar.EntityType, ids ...string) (cedar.Entity, bool) {
		uids := make([]cedar.EntityUID, 0, len(ids))
		for _, id := range ids {
			uids = append(uids, cedar.NewEntityUID(typ, cedar.String(id)))
		}
		return cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(uids...)}, true
	}
	switch {
	case uid == e.user:
		return parent(typeRole, e.roles...)
	case uid == e.tool:
		return parent(typePermission, e.permission)
	case uid.Type == typeRole:
		if i := slices.Index(roles(), string(uid.ID)); i > 0 {
			return parent(typeRole, roles()[i-1])
		}
	}
	return cedar.Entity{UID: uid}, true
}
