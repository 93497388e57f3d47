package hwa

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"resync/hwa/oql"
)

// UpdateResourceQuantity sets the number of units of a resource. Units already held stay held.
func (c *Client) UpdateResourceQuantity(ctx context.Context, id string, quantity int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_resource_quantity", "quantity", quantity, 0, 1024); err != nil {
		return ResourceResponse{}, err
	}
	q := url.Values{"quantity": {strconv.Itoa(quantity)}}
	direct := action{op: "update_resource_quantity", path: "/plan/resource/%s/action/update-quantity", query: q}
	filtered := action{op: "update_resource_quantity", path: "/plan/resource/action/update-quantity", query: q}
	return c.twin(ctx, direct, filtered, oql.Resources, id, j)
}

// UpdateResourceQuantities is UpdateResourceQuantity by filter.
func (c *Client) UpdateResourceQuantities(ctx context.Context, f Filter, max, quantity int, j Justification) (*FilterActionResponse, error) {
	if err := inRange("update_resource_quantities", "quantity", quantity, 0, 1024); err != nil {
		return nil, err
	}
	a := action{op: "update_resource_quantities", path: "/plan/resource/action/update-quantity", query: url.Values{"quantity": {strconv.Itoa(quantity)}}}
	return c.byFilter(ctx, a, f, oql.Resources, max, j)
}

// PatchResource changes fields of a resource by JSON merge patch.
func (c *Client) PatchResource(ctx context.Context, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	return c.patch(ctx, "patch_resource", "/plan/resource/%s", id, patch, j)
}

// PatchResources is PatchResource by filter.
func (c *Client) PatchResources(ctx context.Context, f Filter, max int, patch json.RawMessage, j Justification) (*FilterActionResponse, error) {
	return c.patchAll(ctx, "patch_resources", "/plan/resource", f, oql.Resources, max, patch, j)
}

// ReplyPrompt answers a prompt; a "no" is never asked again. The engine's operation on one prompt takes no justification: with
// one, the by-filter form of 10.2.8 is tried first, and an engine that does not have it gets the answer without justification.
func (c *Client) ReplyPrompt(ctx context.Context, id string, answer bool, j Justification) (ResourceResponse, error) {
	if !j.IsZero() {
		out, err := c.ReplyPrompts(ctx, WithID(id), 1, answer, j)
		if err == nil {
			return ResourceResponse{ID: orText(out.SuccessfulResourceResponses[0].ID, id)}, nil
		}
		// Only an engine without the operation is asked again: it has not acted.
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindNotSupported || e.MayHaveActed {
			return ResourceResponse{}, err
		}
	}
	return c.byID(ctx, action{op: "reply_prompt", path: "/plan/prompt/%s/action/reply", body: PromptInPlanAnswer{answer}}, id, Justification{})
}

// ReplyPrompts answers the prompts a filter selects (10.2.8), max at most.
func (c *Client) ReplyPrompts(ctx context.Context, f Filter, max int, answer bool, j Justification) (*FilterActionResponse, error) {
	a := action{op: "reply_prompts", path: "/plan/prompt/action/reply", body: PromptInPlanAnswer{answer}, since: "10.2.8"}
	return c.byFilter(ctx, a, f, oql.Prompts, max, j)
}
