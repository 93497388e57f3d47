package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
)

// sayPrompts lists the prompts that wait for an answer.
func (in *inquiry) sayPrompts() {
	ctx, cancel := in.reading()
	defer cancel()
	var rows []string
	for p, err := range in.e.deps.Client.Prompts(ctx, hwa.ListOptions{}) {
		if err != nil {
			in.skipped("the prompts", err)
			break
		}
		if p.Status == hwa.PromptStatusAsked {
			rows = append(rows, fmt.Sprintf("%s (number %d): %s", p.Name, p.Number, p.Text))
		}
	}
	ev := in.note(Evidence{Kind: "prompt", Title: "Prompts that wait for an answer", Source: "GET /plan/prompt",
		Text: plural(len(rows), "prompt", "prompts") + " asked: " + strings.Join(rows, "; ")})
	if len(rows) == 0 {
		in.say("No prompt that could be read waits for an answer.", ev)
		return
	}
	in.say(fmt.Sprintf("%s for an answer: %s.", waits(len(rows), "prompt", "prompts"), joinNames(rows, 10)), ev)
}

func waits(n int, one, many string) string {
	if n == 1 {
		return "1 " + one + " waits"
	}
	return fmt.Sprintf("%d %s wait", n, many)
}

// sayResources says who holds the resources named in the question, or lists
// those without a free unit when none is named.
func (in *inquiry) sayResources() {
	ctx, cancel := in.reading()
	defer cancel()
	var named, short []*hwa.ResourceInPlan
	words := strings.Fields(strings.ToUpper(in.q.Text))
	for i := range words {
		words[i] = trimWord(words[i])
	}
	for r, err := range in.e.deps.Client.Resources(ctx, hwa.ListOptions{}) {
		if err != nil {
			in.skipped("the resources", err)
			break
		}
		name := strings.ToUpper(r.Name)
		switch {
		case slices.ContainsFunc(words, func(w string) bool { return w == name || strings.HasSuffix(w, "#"+name) }):
			named = append(named, r)
		case r.QuantityAvailable != nil && *r.QuantityAvailable <= 0:
			short = append(short, r)
		}
	}
	if len(named) == 0 {
		in.sayShort(short)
		return
	}
	for _, r := range named {
		if full, err := in.e.deps.Client.Resource(ctx, r.ID); err == nil {
			r = full
		} else {
			in.skipped("the holders of "+r.Name, err)
		}
		in.sayResource(r)
	}
}

func (in *inquiry) sayResource(r *hwa.ResourceInPlan) {
	key, held := resourceKey(r.Workstation, r.Name), holdersOf(r)
	ev := in.note(Evidence{Kind: "resource", Title: "Resource " + key, Source: "GET /plan/resource/" + r.ID,
		Text: line("resource", key, "quantity", number(r.Quantity), "free", number(r.QuantityAvailable), "in use", number(r.QuantityInUse), "held by", held)})
	said := "Resource " + key
	if r.Quantity != nil && r.QuantityAvailable != nil {
		said += fmt.Sprintf(" has %d of %s free", *r.QuantityAvailable, plural(*r.Quantity, "unit", "units"))
	}
	if held == "" {
		held = "nobody that the engine names"
	}
	in.say(said+"; it is held by "+held+".", ev)
}

func (in *inquiry) sayShort(short []*hwa.ResourceInPlan) {
	var keys []string
	for _, r := range short {
		keys = append(keys, resourceKey(r.Workstation, r.Name))
	}
	ev := in.note(Evidence{Kind: "resource", Title: "Resources without a free unit", Source: "GET /plan/resource",
		Text: plural(len(keys), "resource", "resources") + " without a free unit: " + strings.Join(keys, ", ")})
	in.say(fmt.Sprintf("%s without a free unit%s.", plural(len(keys), "resource", "resources"), listed(keys, 10)), ev)
}

// sayLog quotes the telling lines of a job's log when the question asks for it.
func (in *inquiry) sayLog(f *jobFacts) {
	low := strings.ToLower(in.q.Text)
	if !slices.ContainsFunc(strings.FieldsFunc(low, func(r rune) bool { return r < 'a' || r > 'z' }), func(w string) bool { return w == "log" || w == "joblog" || w == "stdlist" }) {
		return
	}
	lg := in.readLog(f)
	if lg == nil {
		return
	}
	if lg.exit != nil {
		in.say(fmt.Sprintf("Its log ends with exit status %d.", *lg.exit), lg.ev)
	}
	for _, s := range lg.signals {
		in.say(fmt.Sprintf("The log says at line %d: “%s”.", s.Line, clip(s.Text, 220)), lg.ev)
	}
	if len(lg.signals) == 0 {
		in.say("No line of its log stands out.", lg.ev)
	}
}
