package llm

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pricesJSON is a small curated table in the vocabulary of LiteLLM's
// model_prices_and_context_window.json. "resync dev import-prices" makes a
// larger one from that file.
//
//go:embed prices.json
var pricesJSON []byte

// Price is what a model costs, in US dollars per token. Input and output are
// always known in a Price; nil for the cached input means it costs as much as
// the rest.
type Price struct {
	Input, Output float64
	Cached        *float64
}

// Cost is the price of an answer in US dollars.
func (p Price) Cost(u Usage) float64 {
	cached := p.Input
	if p.Cached != nil {
		cached = *p.Cached
	}
	fresh := max(0, u.InputTokens-u.CachedTokens)
	return float64(fresh)*p.Input + float64(min(u.CachedTokens, u.InputTokens))*cached + float64(u.OutputTokens)*p.Output
}

// Prices is a table of models: what they cost and what they can do. It does not
// change.
type Prices struct {
	rows map[string]PriceRow // :: "openai/gpt-4o", "gpt-4o", "ollama/*" → row
}

// PriceRow is one model in LiteLLM's vocabulary. A pointer that is nil is not
// known, which is not the same as zero or false.
type PriceRow struct {
	Provider        string   `json:"litellm_provider,omitempty"`
	Mode            string   `json:"mode,omitempty"`
	Input           *float64 `json:"input_cost_per_token,omitempty"`
	Output          *float64 `json:"output_cost_per_token,omitempty"`
	CachedInput     *float64 `json:"cache_read_input_token_cost,omitempty"`
	MaxInput        int      `json:"max_input_tokens,omitempty"`
	MaxOutput       int      `json:"max_output_tokens,omitempty"`
	Functions       *bool    `json:"supports_function_calling,omitempty"`
	ResponseSchema  *bool    `json:"supports_response_schema,omitempty"`
	Vision          *bool    `json:"supports_vision,omitempty"`
	NativeStreaming *bool    `json:"supports_native_streaming,omitempty"`
	Deprecation     string   `json:"deprecation_date,omitempty"`
	// Source says where the row comes from, in words for people; see [Prices.From].
	Source string `json:"resync_source,omitempty"`
}

// builtinSource is what is known of the built-in table. No price list could be
// reached where it was written.
const builtinSource = "built in: written from memory on 2026-11-22, not checked against the provider's price list"

// BuiltinPrices returns the table the program carries.
func BuiltinPrices() (*Prices, error) {
	p, err := ParsePrices(pricesJSON)
	if err != nil {
		return nil, fmt.Errorf("the built-in price table: %w", err)
	}
	return p.From(builtinSource), nil
}

// From returns the table with source as the source of the rows that name none.
func (p *Prices) From(source string) *Prices {
	out := &Prices{rows: maps.Clone(p.rows)}
	for name, row := range out.rows {
		row.Source = cmp.Or(row.Source, source)
		out.rows[name] = row
	}
	return out
}

// ParsePrices reads a table: ours, or LiteLLM's whole file. Rows that are not
// for chat are left out. A row that is not an object, or holds a negative price,
// is an error that names the model.
func ParsePrices(data []byte) (*Prices, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read the price table: %w", err)
	}
	p := &Prices{rows: make(map[string]PriceRow, len(raw))}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if name == "sample_spec" { // LiteLLM's description of its own format, not a model
			continue
		}
		row, use, err := parseRow(raw[name])
		if err != nil {
			return nil, fmt.Errorf("read the price of %q: %w", name, err)
		}
		if use {
			p.rows[name] = row
		}
	}
	return p, nil
}

// parseRow reads one model. Rows of other modes (images, speech) may have
// fields of other types; they are left out before their prices are read.
func parseRow(data json.RawMessage) (PriceRow, bool, error) {
	var mode struct {
		Mode string `json:"mode"`
	}
	if err := json.Unmarshal(data, &mode); err != nil {
		return PriceRow{}, false, err
	}
	if mode.Mode != "" && mode.Mode != "chat" && mode.Mode != "completion" && mode.Mode != "responses" {
		return PriceRow{}, false, nil
	}
	var row PriceRow
	if err := json.Unmarshal(data, &row); err != nil {
		return PriceRow{}, false, err
	}
	for _, v := range []*float64{row.Input, row.Output, row.CachedInput} {
		if v != nil && *v < 0 {
			return PriceRow{}, false, fmt.Errorf("a price is negative: %g", *v)
		}
	}
	return row, true, nil
}

// Merge returns a table with the rows of both; those of over win.
func (p *Prices) Merge(over *Prices) *Prices {
	out := &Prices{rows: maps.Clone(p.rows)}
	maps.Copy(out.rows, over.rows)
	return out
}

// Len is the number of models.
func (p *Prices) Len() int { return len(p.rows) }

// MarshalJSON writes the table as [ParsePrices] reads it.
func (p *Prices) MarshalJSON() ([]byte, error) { return json.MarshalIndent(p.rows, "", "  ") }

// Find returns a model's row. It looks for provider/model, the model alone if
// the row is that provider's, the model without a date at its end, and
// provider/*.
func (p *Prices) Find(provider, model string) (PriceRow, bool) {
	if p == nil {
		return PriceRow{}, false
	}
	for _, name := range []string{model, undated(model)} {
		if row, ok := p.rows[provider+"/"+name]; ok {
			return row, true
		}
		if row, ok := p.rows[name]; ok && sameProvider(row.Provider, provider) {
			return row, true
		}
	}
	row, ok := p.rows[provider+"/*"]
	return row, ok
}

// sameProvider compares our name of a provider with the table's. A proxy sells
// other providers' models at a price of its own, so it is nobody's equal.
func sameProvider(table, ours string) bool {
	return table == "" || table == ours || strings.HasPrefix(table, ours+"_")
}

// undated cuts a date such as -2024-08-06 or -20240307 from a model's name.
func undated(model string) string {
	for _, n := range []int{len("-2024-08-06"), len("-20240307")} {
		if len(model) > n && isDate(model[len(model)-n:]) {
			return model[:len(model)-n]
		}
	}
	return model
}

func isDate(s string) bool {
	digits := 0
	for i, c := range s {
		switch {
		case c == '-' && (i == 0 || i == 5 || i == 8):
		case c >= '0' && c <= '9':
			digits++
		default:
			return false
		}
	}
	return digits == 8
}

// Price returns what the model costs; false when input or output is not known.
func (r PriceRow) Price() (Price, bool) {
	if r.Input == nil || r.Output == nil {
		return Price{}, false
	}
	return Price{Input: *r.Input, Output: *r.Output, Cached: r.CachedInput}, true
}

// caps is what the row says of the model's abilities.
func (r PriceRow) caps() Caps {
	able := func(b *bool) Able {
		switch {
		case b == nil:
			return Maybe
		case *b:
			return Yes
		}
		return No
	}
	c := Caps{Tools: able(r.Functions), Schema: able(r.ResponseSchema), Vision: able(r.Vision), Context: r.MaxInput}
	if c.Schema == Yes {
		c.JSON = Yes
	}
	return c
}
