package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LLM is which language models are asked, in which order, and within which
// bounds. Without targets there is no model.
type LLM struct {
	Endpoint string // the short form: one server of the chat completions wire
	APIKey   Secret
	Model    string
	Preset   string        // none, cloud or local-first
	Chain    []string      // names of targets in the order they are asked; all in the order of the file when empty
	Targets  []LLMTarget   // after Load: in the order they are asked, presets and the short form included
	Budget   time.Duration // for a request over the whole chain
	Idle     time.Duration // longest silence within a stream
	Longest  time.Duration // longest stream
	Rounds   int           // how often the chain is gone through
	Limits   LLMLimits
	Prices   string // file with a price table besides the built-in one; "" is none
	Phrase   bool   // answers in the chat are put into words by the model
	OneCore  bool   // the program keeps to one core while it only passes single calls on
}

// LLMLimits bound what is spent, in US dollars; 0 is no limit.
type LLMLimits struct {
	Request, UserDay, Day float64
	Unpriced              bool // ask models whose price is not known although a limit is set
}

// LLMTarget is one model of one server.
type LLMTarget struct {
	Name       string
	Provider   string
	Model      string
	BaseURL    string // never empty after Load
	APIVersion string // of Azure's deployments form
	Keys       []Secret
	Timeout    time.Duration // 0 is a fair share of the budget
	Tools      string        // auto, yes or no
	JSON       string
	Vision     string
}

// providers are the servers a target may name, with the address of the hosted
// ones and the variable their key usually stands in.
func providers() map[string]struct{ url, key string } {
	return map[string]struct{ url, key string }{
		"openai": {"https://api.openai.com/v1", "OPENAI_API_KEY"}, "anthropic": {"https://api.anthropic.com", "ANTHROPIC_API_KEY"},
		"openrouter": {"https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"}, "azure": {"", "AZURE_OPENAI_API_KEY"},
		"ollama": {"http://127.0.0.1:11434", ""}, "llamacpp": {"http://127.0.0.1:8080", ""}, "vllm": {}, "litellm": {}, "api": {},
	}
}

// llmSpecs are the settings of language models that exist once.
func llmSpecs() []spec {
	ms := time.Millisecond
	return []spec{
		{"llm.endpoint", []string{"LLM_ENDPOINT"}, "", webURL(func(t target) *string { return &t.LLM.Endpoint }), "Address of a server of the chat completions wire (OpenAI, a LiteLLM proxy, vLLM, …), with or without /v1: the short form of one target. With a preset, the address its OpenAI models are asked at."},
		{"llm.api_key", []string{"LLM_API_KEY"}, "", secret(func(t target) *Secret { return &t.LLM.APIKey }), "Key for that server."},
		{"llm.model", []string{"LLM_MODEL"}, "", text(func(t target) *string { return &t.LLM.Model }), "Model to ask there; gpt-4o when it is not set."},
		{"llm.preset", nil, "none", oneOf(func(t target) *string { return &t.LLM.Preset }, "none", "cloud", "local-first"), "Chain of models to begin with. cloud: gpt-4o, then gpt-3.5-turbo, then claude-3-haiku. local-first: qwen2.5:3b in Ollama on this machine, then gpt-4o-mini, then gpt-3.5-turbo. Keys come from OPENAI_API_KEY (or llm.api_key) and ANTHROPIC_API_KEY; a model without its key is left out, with a warning."},
		{"llm.chain", nil, "", words(func(t target) *[]string { return &t.LLM.Chain }), "Names of targets in the order they are asked. Without it: all of them, as they stand in the file."},
		{"llm.budget", nil, "30s", duration(func(t target) *time.Duration { return &t.LLM.Budget }, time.Second, 5*time.Minute), "Time a request may take over the whole chain, or a streamed answer until its first word."},
		{"llm.idle", nil, "15s", duration(func(t target) *time.Duration { return &t.LLM.Idle }, 100*ms, 5*time.Minute), "Longest silence within a streamed answer."},
		{"llm.longest", nil, "5m", duration(func(t target) *time.Duration { return &t.LLM.Longest }, time.Second, time.Hour), "Longest streamed answer."},
		{"llm.rounds", nil, "2", integer(func(t target) *int { return &t.LLM.Rounds }, 1, 100), "How often the chain is gone through when nobody answers and there is time left."},
		{"llm.limits.request", nil, "0", dollars(func(t target) *float64 { return &t.LLM.Limits.Request }), "US dollars one request may cost; 0 does not limit. What could cost more is refused before a model is asked."},
		{"llm.limits.user_day", nil, "0", dollars(func(t target) *float64 { return &t.LLM.Limits.UserDay }), "US dollars the requests of one user may cost on a day (UTC); 0 does not limit."},
		{"llm.limits.day", nil, "0", dollars(func(t target) *float64 { return &t.LLM.Limits.Day }), "US dollars all requests may cost on a day (UTC); 0 does not limit."},
		{"llm.limits.unpriced", nil, "false", boolean(func(t target) *bool { return &t.LLM.Limits.Unpriced }), "Ask models whose price is not known although a limit is set; what they cost is then not counted."},
		{"llm.prices", nil, "", file(func(t target) *string { return &t.LLM.Prices }), "Price table that adds to the built-in one: LiteLLM's model_prices_and_context_window.json, or what resync dev import-prices made of it."},
		{"llm.one_core", nil, "true", boolean(func(t target) *bool { return &t.LLM.OneCore }), "Keep to one processor core while all there is to do is to pass single calls through /llm/v1 on to a model, which spares a fifth of a call's processor time. A second call at once, or other work, brings all cores back."},
		{"llm.phrase", nil, "true", boolean(func(t target) *bool { return &t.LLM.Phrase }), "Let the model put answers from the documents into words. Names, times, codes and counts are checked against the passages either way; with false the model serves only the endpoint /llm/v1."},
	}
}

// targetSpecs are the settings that exist for each target.
func targetSpecs() []spec {
	names := []string{"openai", "azure", "anthropic", "openrouter", "ollama", "vllm", "litellm", "llamacpp", "api"}
	able := func(at func(*LLMTarget) *string) kind {
		return oneOf(func(t target) *string { return at(t.llm) }, "auto", "yes", "no")
	}
	return []spec{
		{"llm.targets.*.provider", nil, "api", oneOf(func(t target) *string { return &t.llm.Provider }, names...), "Who runs the server. It decides wire, address, prices and circuit breaker (llm_PROVIDER); api is any other server of the chat completions wire."},
		{"llm.targets.*.model", nil, "", text(func(t target) *string { return &t.llm.Model }), "Model as the server names it; for Azure's older form the deployment."},
		{"llm.targets.*.base_url", nil, "", webURL(func(t target) *string { return &t.llm.BaseURL }), "Address of the server. openai, anthropic, openrouter, ollama and llamacpp have one of their own."},
		{"llm.targets.*.api_version", nil, "", text(func(t target) *string { return &t.llm.APIVersion }), "Version for Azure's deployments form; the newer form /openai/v1 needs none."},
		{"llm.targets.*.keys", nil, "", secrets(func(t target) *[]Secret { return &t.llm.Keys }), "API keys. When one is refused or used up the next one is taken."},
		{"llm.targets.*.timeout", nil, "0s", duration(func(t target) *time.Duration { return &t.llm.Timeout }, 0, 5*time.Minute), "Time this model gets for its answer, or for the first word of a streamed one. 0 is a fair share of llm.budget."},
		{"llm.targets.*.tools", nil, "auto", able(func(t *LLMTarget) *string { return &t.Tools }), "Whether the model can call tools. auto is what the price table says. A request that needs tools passes a model by that has none."},
		{"llm.targets.*.json", nil, "auto", able(func(t *LLMTarget) *string { return &t.JSON }), "Whether it can be made to answer in JSON."},
		{"llm.targets.*.vision", nil, "auto", able(func(t *LLMTarget) *string { return &t.Vision }), "Whether it takes images."},
	}
}

// dollars is an amount of money.
func dollars(at func(target) *float64) kind {
	return kind{
		doc: "US dollars",
		set: func(t target, v []string) error {
			n, err := strconv.ParseFloat(strings.TrimPrefix(v[0], "$"), 64)
			if err != nil || !(n >= 0 && n <= 1e6) {
				return fmt.Errorf("%q is not an amount in US dollars, such as 0.05", v[0])
			}
			*at(t) = n
			return nil
		},
		get: func(t target) string { return strconv.FormatFloat(*at(t), 'f', -1, 64) },
	}
}

// words is a list of names.
func words(at func(target) *[]string) kind {
	return kind{
		doc: "list of text", list: true,
		set: func(t target, v []string) error {
			*at(t) = slices.Clone(v)
			return nil
		},
		get: func(t target) string { return strings.Join(*at(t), ", ") },
	}
}

// secrets is a list of secrets.
func secrets(at func(target) *[]Secret) kind {
	return kind{
		doc: "list of secrets", list: true, secret: true,
		set: func(t target, v []string) error {
			out := make([]Secret, 0, len(v))
			for _, text := range v {
				out = append(out, NewSecret(text))
			}
			*at(t) = out
			return nil
		},
		get: func(t target) string {
			shown := make([]string, 0, len(*at(t)))
			for _, s := range *at(t) {
				shown = append(shown, s.String())
			}
			return strings.Join(shown, ", ")
		},
	}
}

// addTargets creates the target "default" when variables describe it and the
// file names no target.
func (l *loader) addTargets() {
	if len(l.cfg.LLM.Targets) > 0 {
		return
	}
	for _, s := range l.specs {
		if s.group() == targetGroup && l.env[s.ownVar(defaultEngine)] != "" {
			l.cfg.LLM.Targets = []LLMTarget{{Name: defaultEngine}}
			return
		}
	}
}

// checkLLM completes the targets: the short form, the preset, addresses, order.
func (l *loader) checkLLM() {
	m := &l.cfg.LLM
	for i := range m.Targets {
		l.checkTarget(&m.Targets[i])
	}
	switch {
	case m.Preset == "cloud":
		l.preset([][2]string{{"openai", "gpt-4o"}, {"openai", "gpt-3.5-turbo"}, {"anthropic", "claude-3-haiku-20240307"}})
	case m.Preset == "local-first":
		l.preset([][2]string{{"ollama", "qwen2.5:3b"}, {"openai", "gpt-4o-mini"}, {"openai", "gpt-3.5-turbo"}})
	case m.Endpoint != "":
		l.shortForm()
	case !m.APIKey.IsZero() || m.Model != "":
		l.warn("llm.api_key", l.origin("llm.api_key"), "has no effect without llm.endpoint (LLM_ENDPOINT) or llm.preset: no server is named")
	}
	l.orderTargets()
}

// shortForm turns llm.endpoint into a target.
func (l *loader) shortForm() {
	m := &l.cfg.LLM
	t := LLMTarget{Name: "endpoint", Provider: "api", Model: m.Model, BaseURL: strings.TrimRight(m.Endpoint, "/")}
	if t.Model == "" {
		t.Model = "gpt-4o"
	}
	if strings.HasPrefix(t.BaseURL, "https://api.openai.com") {
		t.Provider = "openai"
	}
	if !m.APIKey.IsZero() {
		t.Keys = []Secret{m.APIKey}
	}
	m.Targets = append(m.Targets, t)
}

// preset adds the models of a preset behind the targets of the file.
func (l *loader) preset(models [][2]string) {
	m := &l.cfg.LLM
	for _, pm := range models {
		p := providers()[pm[0]]
		t := LLMTarget{Name: strings.TrimSuffix(pm[1], "-20240307"), Provider: pm[0], Model: pm[1], BaseURL: p.url}
		key := l.env[p.key]
		if pm[0] == "openai" && m.Endpoint != "" {
			t.BaseURL = strings.TrimRight(m.Endpoint, "/")
		}
		if pm[0] == "openai" && !m.APIKey.IsZero() {
			key = m.APIKey.Reveal()
		}
		switch {
		case key != "":
			t.Keys = []Secret{NewSecret(key)}
		case p.key != "":
			l.warn("llm.preset", l.origin("llm.preset"), "%s is left out of the chain, because %s is not set", pm[1], p.key)
			continue
		}
		if !slices.ContainsFunc(m.Targets, func(o LLMTarget) bool { return o.Name == t.Name }) {
			m.Targets = append(m.Targets, t)
		}
	}
}

// checkTarget looks at one target of the file.
func (l *loader) checkTarget(t *LLMTarget) {
	key := func(field string) string { return "llm.targets." + t.Name + "." + field }
	p := providers()[t.Provider]
	if t.Model == "" {
		l.add(key("model"), Origin{}, "is missing: name the model that is asked at %s", t.Provider)
	}
	if t.BaseURL == "" {
		t.BaseURL = p.url
		l.show(key("base_url"), p.url, Origin{})
	}
	if t.BaseURL == "" {
		l.add(key("base_url"), Origin{}, "is missing: %s has no address of its own", t.Provider)
	}
	t.BaseURL = strings.TrimRight(t.BaseURL, "/")
	if p.key != "" && len(t.Keys) == 0 {
		l.add(key("keys"), Origin{}, "is missing: write a reference, such as os.environ/%s", p.key)
	}
}

// orderTargets puts the targets into the order of llm.chain. What the chain does
// not name is not asked.
func (l *loader) orderTargets() {
	m := &l.cfg.LLM
	if len(m.Chain) == 0 {
		return
	}
	var out []LLMTarget
	var have []string
	for _, t := range m.Targets {
		have = append(have, t.Name)
	}
	for _, name := range m.Chain {
		i := slices.Index(have, name)
		switch {
		case i < 0:
			l.add("llm.chain", l.origin("llm.chain"), "there is no target %q%s (there are: %s)", name, didYouMean(name, have), strings.Join(have, ", "))
			return
		case slices.ContainsFunc(out, func(t LLMTarget) bool { return t.Name == name }):
			l.add("llm.chain", l.origin("llm.chain"), "names %q twice", name)
			return
		}
		out = append(out, m.Targets[i])
	}
	m.Targets = out
}
