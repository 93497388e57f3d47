package hwasim

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"resync/hwa/oql"
)

// fieldSet resolves OQL fields of one kind of object.
type fieldSet map[string]oql.Accessor[int32]

func (f fieldSet) resolve(name string) (oql.Accessor[int32], bool) {
	a, ok := f[name]
	return a, ok
}

// kindSpec is what lists and by-filter writes need to know of a kind of object.
type kindSpec struct {
	kind   oql.ObjectKind
	all    []int32
	fields fieldSet
	target func(int32) oql.Target
	encode func(*jsonw, int32)
}

const defaultLimit = 10000

// selection reads oql and plan_filter.
func (c *call) selection(k *kindSpec) ([]int32, error) {
	q := c.r.URL.Query()
	match, order, err := c.compile(k, q)
	if err != nil {
		return nil, err
	}
	if match == nil && order == nil {
		return k.all, nil
	}
	out := make([]int32, 0, 64)
	for _, i := range k.all {
		if match == nil || match(i) {
			out = append(out, i)
		}
	}
	if order != nil {
		slices.SortStableFunc(out, order)
	}
	return out, nil
}

func (c *call) compile(k *kindSpec, q url.Values) (func(int32) bool, func(a, b int32) int, error) {
	var match func(int32) bool
	var order func(a, b int32) int
	if text := q.Get("oql"); text != "" {
		query, err := oql.ParseQuirks(text, oql.Quirks{RefuseKeyName: true})
		if err != nil {
			return nil, nil, badOQL(err)
		}
		if query.Where != nil {
			if match, err = oql.Bind(query.Where, k.fields.resolve); err != nil {
				return nil, nil, badOQL(err)
			}
		}
		if len(query.OrderBy) > 0 {
			if order, err = oql.BindOrder(query.OrderBy, k.fields.resolve); err != nil {
				return nil, nil, badOQL(err)
			}
		}
	}
	if text := q.Get("plan_filter"); text != "" {
		f, err := oql.ParsePlanFilter(k.kind, text)
		if err != nil {
			return nil, nil, fail(http.StatusBadRequest, "", "PLAN_FILTER_SYNTAX_ERROR: %v", err)
		}
		if f.String() != oql.AllObjects(k.kind).String() {
			match = both(match, f.Compile(), k.target)
		}
	}
	return match, order, nil
}

func both(first func(int32) bool, second func(oql.Target) bool, target func(int32) oql.Target) func(int32) bool {
	return func(i int32) bool { return (first == nil || first(i)) && second(target(i)) }
}

func badOQL(err error) error {
	var unknown *oql.UnknownFieldError
	if errors.As(err, &unknown) {
		return fail(http.StatusBadRequest, "", "OQL_FILTER_SYNTAX_ERROR: field %q is not known for this kind of object", unknown.Field)
	}
	return fail(http.StatusBadRequest, "", "OQL_FILTER_SYNTAX_ERROR: %v", err)
}

// page answers {count, results, next, previous}.
func (c *call) page(k *kindSpec) error {
	if err := badPlan(c); err != nil {
		return err
	}
	limit, err := c.intParam("limit", defaultLimit)
	if err != nil {
		return err
	}
	offset, err := c.intParam("offset", 0)
	if err != nil {
		return err
	}
	found, err := c.selection(k)
	if err != nil {
		return err
	}
	from := min(offset, len(found))
	to := min(from+limit, len(found))
	c.out.b = make([]byte, 0, 1024+(to-from)*1800)
	c.out.open()
	if c.r.Header.Get("Include-Count") != "false" {
		c.out.num("count", len(found))
	}
	c.out.list("results")
	for _, i := range found[from:to] {
		k.encode(&c.out, i)
	}
	c.out.end()
	if to < len(found) && limit > 0 {
		c.out.str("next", c.pageURL(to))
	}
	if from > 0 {
		c.out.str("previous", c.pageURL(max(0, from-limit)))
	}
	c.out.close()
	return nil
}

func (c *call) pageURL(offset int) string {
	q := c.r.URL.Query()
	q.Set("offset", strconv.Itoa(offset))
	return c.origin() + c.r.URL.Path + "?" + q.Encode()
}

func (c *call) scope() scope {
	switch c.r.Header.Get("scope") {
	case "WHOLE_NO_JOB_DEFINITIONS_AND_NO_DEPENDENCIES", "WHOLE_NO_JOB_DEFINITIONS", "SELF_SERVICE_CATALOG":
		return scope{}
	}
	return scope{defs: true}
}

// filtered runs a write on what a filter selects. One object too many and
// nothing is done; a refusal of one object does not stop the others, and the
// answer is 200 either way.
func (c *call) filtered(k *kindSpec, kind string, id func(int32) uuid, do func(int32) error) error {
	q := c.r.URL.Query()
	if q.Get("oql") == "" && q.Get("plan_filter") == "" {
		return fail(http.StatusBadRequest, "", "oql or plan_filter is required")
	}
	most, err := c.intParam("max_object_affected", 1)
	if err != nil {
		return err
	}
	found, err := c.selection(k)
	if err != nil {
		return err
	}
	if len(found) > most {
		return fail(http.StatusBadRequest, "", "the filter selects %d objects but max_object_affected is %d: nothing was done", len(found), most)
	}
	var good, bad jsonw
	for _, i := range slices.Clone(found) {
		if err := do(i); err != nil {
			c.outcome(&bad, kind, id(i), err)
		} else {
			c.outcome(&good, kind, id(i), nil)
		}
	}
	c.out.b = append(c.out.b, `{"successfulResourceResponses":[`...)
	c.out.b = append(c.out.b, good.b...)
	c.out.b = append(c.out.b, `],"failedResourceResponses":[`...)
	c.out.b = append(c.out.b, bad.b...)
	c.out.b = append(c.out.b, `]}`...)
	return nil
}

func (c *call) outcome(w *jsonw, kind string, id uuid, err error) {
	w.open()
	w.id("id", id)
	w.str("url", c.origin()+base+"/plan/"+kind+"/"+id.String())
	if err != nil {
		text := err.Error()
		var re *refusal
		if errors.As(err, &re) {
			text = "AWSJSY404E " + text
		}
		w.str("message", text)
	}
	w.bool("isError", err != nil)
	w.bool("error", err != nil)
	w.close()
}
