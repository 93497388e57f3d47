package hwa

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"resync/hwa/oql"
)

// ModelPath is the path segment of a kind of definition in the database.
type ModelPath string

// The kinds of definition.
const (
	ModelCalendar         ModelPath = "calendar"
	ModelCredentials      ModelPath = "credentials"
	ModelDomain           ModelPath = "domain"
	ModelFolder           ModelPath = "folder"
	ModelJobDefinition    ModelPath = "jobdefinition"
	ModelJobStream        ModelPath = "jobstream"
	ModelPrompt           ModelPath = "prompt"
	ModelResource         ModelPath = "resource"
	ModelRunCycleGroup    ModelPath = "runcyclegroup"
	ModelVariable         ModelPath = "variable"
	ModelVariableTable    ModelPath = "variabletable"
	ModelTemplate         ModelPath = "workloadapplicationtemplate"
	ModelWorkstation      ModelPath = "workstation"
	ModelWorkstationClass ModelPath = "workstationclass"
)

// ModelPaths lists every kind of definition.
func ModelPaths() []ModelPath {
	return []ModelPath{ModelCalendar, ModelCredentials, ModelDomain, ModelFolder, ModelJobDefinition, ModelJobStream, ModelPrompt,
		ModelResource, ModelRunCycleGroup, ModelVariable, ModelVariableTable, ModelTemplate, ModelWorkstation, ModelWorkstationClass}
}

func (p ModelPath) check(op string) error {
	if !slices.Contains(ModelPaths(), p) {
		return invalid(words(op, ""), "%q is not a kind of definition", string(p))
	}
	return nil
}

// TextFormat is a text form of a definition.
type TextFormat string

// The forms the engine can read and write.
const (
	FormatJSON TextFormat = "application/json"
	FormatYAML TextFormat = "text/yaml"
	// FormatComposer is the scheduling language of the composer command line.
	FormatComposer TextFormat = "text/plain; charset=utf-8"
)

// Definitions lists definitions of one kind. The filter takes OQL only. Nothing is locked by reading.
func (c *Client) Definitions(ctx context.Context, kind ModelPath, opt ListOptions) iter.Seq2[*ModelObject, error] {
	if err := kind.check("list_definitions"); err != nil {
		return func(yield func(*ModelObject, error) bool) { yield(nil, err) }
	}
	return list[ModelObject](ctx, c, listing{op: "list_definitions", path: "/model/" + string(kind), model: true}, opt)
}

// Definition reads one definition.
func (c *Client) Definition(ctx context.Context, kind ModelPath, id string) (*ModelObject, error) {
	if err := kind.check("read_definition"); err != nil {
		return nil, err
	}
	return one[ModelObject](ctx, c, "read_definition", "/model/"+string(kind)+"/%s", id, "")
}

// DefinitionText reads one definition in a text form, e.g. as composer would print it.
func (c *Client) DefinitionText(ctx context.Context, kind ModelPath, id string, form TextFormat) (string, error) {
	if err := kind.check("read_definition"); err != nil {
		return "", err
	}
	path, err := pathOf("read_definition", "/model/"+string(kind)+"/%s", id)
	if err != nil {
		return "", err
	}
	var out string
	r := &request{op: "read_definition", target: id, method: http.MethodGet, path: path, accept: string(form)}
	err = c.do(ctx, r, readText(&out))
	return out, err
}

// ConvertDefinitions has the engine translate definitions from one text form to another. It validates them on the way and stores
// nothing: a draft can be checked like this. A failed check is an error of KindBadRequest or KindBusiness.
func (c *Client) ConvertDefinitions(ctx context.Context, text string, from, to TextFormat) (string, error) {
	return c.convert(ctx, "convert_definitions", "/model/common/convert", text, from, to)
}

// ConvertDefinition is ConvertDefinitions for a single definition.
func (c *Client) ConvertDefinition(ctx context.Context, text string, from, to TextFormat) (string, error) {
	return c.convert(ctx, "convert_definition", "/model/common/convertOne", text, from, to)
}

func (c *Client) convert(ctx context.Context, op, path, text string, from, to TextFormat) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", invalid(words(op, ""), "there is no definition to convert")
	}
	var out string
	r := &request{op: op, method: http.MethodPost, path: path, body: []byte(text), ctype: string(from), accept: string(to)}
	err := c.do(ctx, r, readText(&out))
	return out, err
}

// readText takes the answer as text.
func readText(out *string) reader {
	return func(body io.Reader, _ *http.Response) error {
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		*out = strings.ToValidUTF8(string(data), "\uFFFD")
		return nil
	}
}

// CompleteOptions narrow CompleteKey.
type CompleteOptions struct {
	SubType, TargetType string
	Exact               bool // the value must match, not only begin the key
	Limit               int  // 0 for the engine's default
}

// CompleteKey suggests definitions of a type whose key begins with value.
func (c *Client) CompleteKey(ctx context.Context, kind, value string, opt CompleteOptions) ([]Suggestion, error) {
	q := url.Values{"type": {kind}, "value": {value}}
	if opt.SubType != "" {
		q.Set("subType", opt.SubType)
	}
	if opt.TargetType != "" {
		q.Set("targetType", opt.TargetType)
	}
	if opt.Exact {
		q.Set("exact_match", "true")
	}
	if opt.Limit > 0 {
		q.Set("limit", strconv.Itoa(opt.Limit))
	}
	var out Page[Suggestion]
	err := c.get(ctx, "complete_key", kind, "/model/common/autocomplete", q, &out)
	return out.Results, err
}

// OutputConditions lists the names of the output conditions of a job definition, by its id.
func (c *Client) OutputConditions(ctx context.Context, definitionID string) ([]string, error) {
	if err := checkID(definitionID); err != nil {
		return nil, invalid("read output conditions", "%w", err)
	}
	var out []string
	err := c.get(ctx, "read_output_conditions", definitionID, "/model/common/output-conditions", url.Values{"job_definition_ref_id": {definitionID}}, &out)
	return out, err
}

// Services lists the job streams published in the self-service catalogue.
func (c *Client) Services(ctx context.Context, opt ListOptions) iter.Seq2[*ModelObject, error] {
	return list[ModelObject](ctx, c, listing{op: "list_services", path: "/model/service", kind: oql.JobStreams, model: true, plain: true}, opt)
}

// Service reads one published job stream.
func (c *Client) Service(ctx context.Context, id string) (*ModelObject, error) {
	return one[ModelObject](ctx, c, "read_service", "/model/service/%s", id, "")
}

// ServiceTags lists the tags of the self-service catalogue.
func (c *Client) ServiceTags(ctx context.Context) ([]string, error) {
	var out []string
	err := c.get(ctx, "list_service_tags", "", "/model/service/tags", nil, &out)
	return out, err
}
