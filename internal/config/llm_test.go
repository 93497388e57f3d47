package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// targetsOf is the chain as one line per target.
func targetsOf(c *Config) []string {
	out := []string{}
	for _, t := range c.LLM.Targets {
		keys := []string{}
		for _, k := range t.Keys {
			keys = append(keys, k.Reveal())
		}
		out = append(out, strings.TrimSpace(strings.Join([]string{t.Name, t.Provider, t.Model, t.BaseURL, strings.Join(keys, "+")}, " ")))
	}
	return out
}

func TestModelsAndTheirOrder(t *testing.T) {
	const file = `llm:
  targets:
    big: {provider: azure, base_url: https://x.openai.azure.com/, model: gpt-4o, api_version: "2024-10-21", keys: [env:K1, os.environ/K2], timeout: 9s, tools: no}
    claude: {provider: anthropic, model: claude-3-haiku-20240307, keys: env:K1}
    local: {provider: ollama, model: "qwen2.5:3b"}
`
	keys := []string{"K1=key-one", "K2=key-two"}
	for name, tt := range map[string]struct {
		text string
		env  []string
		want []string
	}{
		"file":  {file, keys, []string{"big azure gpt-4o https://x.openai.azure.com key-one+key-two", "claude anthropic claude-3-haiku-20240307 https://api.anthropic.com key-one", "local ollama qwen2.5:3b http://127.0.0.1:11434"}},
		"chain": {file + "  chain: [local, big]\n", keys, []string{"local ollama qwen2.5:3b http://127.0.0.1:11434", "big azure gpt-4o https://x.openai.azure.com key-one+key-two"}},
		"variables alone": {"", []string{"RESYNC_LLM_TARGETS_DEFAULT_PROVIDER=vllm", "RESYNC_LLM_TARGETS_DEFAULT_MODEL=m", "RESYNC_LLM_TARGETS_DEFAULT_BASE_URL=http://gpu:8000"},
			[]string{"default vllm m http://gpu:8000"}},
		"contract":        {"", []string{"LLM_ENDPOINT=https://llm.example/v1/", "LLM_API_KEY=sk-abc"}, []string{"endpoint api gpt-4o https://llm.example/v1 sk-abc"}},
		"contract, model": {"", []string{"LLM_ENDPOINT=https://api.openai.com", "LLM_MODEL=gpt-4"}, []string{"endpoint openai gpt-4 https://api.openai.com"}},
		"cloud": {"llm: {preset: cloud}\n", []string{"OPENAI_API_KEY=o", "ANTHROPIC_API_KEY=a"},
			[]string{"gpt-4o openai gpt-4o https://api.openai.com/v1 o", "gpt-3.5-turbo openai gpt-3.5-turbo https://api.openai.com/v1 o", "claude-3-haiku anthropic claude-3-haiku-20240307 https://api.anthropic.com a"}},
		"cloud behind a proxy": {"llm: {preset: cloud}\n", []string{"LLM_ENDPOINT=http://proxy:4000", "LLM_API_KEY=p", "ANTHROPIC_API_KEY=a"},
			[]string{"gpt-4o openai gpt-4o http://proxy:4000 p", "gpt-3.5-turbo openai gpt-3.5-turbo http://proxy:4000 p", "claude-3-haiku anthropic claude-3-haiku-20240307 https://api.anthropic.com a"}},
		"local first": {"llm: {preset: local-first}\n", []string{"OPENAI_API_KEY=o"},
			[]string{"qwen2.5:3b ollama qwen2.5:3b http://127.0.0.1:11434", "gpt-4o-mini openai gpt-4o-mini https://api.openai.com/v1 o", "gpt-3.5-turbo openai gpt-3.5-turbo https://api.openai.com/v1 o"}},
		"nothing": {"", nil, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			c, warnings, err := loadText(tt.text, tt.env...)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("%v, warnings %v", err, warnings)
			}
			if diff := cmp.Diff(tt.want, targetsOf(c)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			for _, target := range c.LLM.Targets {
				for _, k := range target.Keys {
					if !strings.Contains(strings.Join(c.Secrets(), " "), k.Reveal()) {
						t.Errorf("the log redactor does not know a key of %s", target.Name)
					}
				}
			}
		})
	}
	c := mustLoad(t, file+"  budget: 20s\n  limits: {request: 0.05, user_day: $2, day: 10}\n", keys...)
	if big := c.LLM.Targets[0]; big.Timeout != 9*time.Second || big.Tools != "no" || big.JSON != "auto" || big.APIVersion != "2024-10-21" {
		t.Errorf("read as %+v", big)
	}
	if want := (LLMLimits{Request: .05, UserDay: 2, Day: 10}); c.LLM.Limits != want || c.LLM.Budget != 20*time.Second {
		t.Errorf("limits %+v, budget %s", c.LLM.Limits, c.LLM.Budget)
	}
}

// A key never stands in the file, whatever else it says.
func TestModelsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		text, says string
		env        []string
	}{
		"literal key":         {"llm:\n  targets:\n    a: {provider: openai, model: m, keys: sk-0123456789}\n", "resync.yaml:3:43: llm.targets.a.keys: a secret may not stand in the file; write env:NAME, os.environ/NAME", nil},
		"literal second key":  {"llm:\n  targets:\n    a: {provider: openai, model: m, keys: [env:A, sk-0123456789]}\n", "llm.targets.a.keys: a secret may not stand", []string{"A=x"}},
		"literal, overridden": {"llm: {api_key: sk-0123456789}\n", "llm.api_key: a secret may not stand", []string{"LLM_API_KEY=x"}},
		"variable not set":    {"llm:\n  targets:\n    a: {provider: openai, model: m, keys: [env:A, env:B]}\n", "the variable B is not set", []string{"A=x"}},
		"no key":              {"llm:\n  targets:\n    a: {provider: openai, model: m}\n", "llm.targets.a.keys: is missing: write a reference, such as os.environ/OPENAI_API_KEY", nil},
		"no model":            {"llm:\n  targets:\n    a: {provider: ollama}\n", "llm.targets.a.model: is missing", nil},
		"no address":          {"llm:\n  targets:\n    a: {provider: vllm, model: m}\n", "llm.targets.a.base_url: is missing", nil},
		"misspelt":            {"llm:\n  targets:\n    a: {provider: opnai, model: m}\n", "did you mean openai", nil},
		"misspelt key":        {"llm:\n  targets:\n    a: {provider: ollama, modle: m}\n", "did you mean llm.targets.a.model", nil},
		"chain":               {"llm:\n  chain: [b]\n  targets:\n    a: {provider: ollama, model: m}\n", `there is no target "b"`, nil},
		"chain twice":         {"llm:\n  chain: [a, a]\n  targets:\n    a: {provider: ollama, model: m}\n", `names "a" twice`, nil},
		"twins":               {"llm:\n  targets:\n    a-b: {provider: ollama, model: m}\n    a_b: {provider: ollama, model: m}\n", "cannot be told apart", nil},
		"money":               {"llm: {limits: {day: a lot}}\n", "not an amount in US dollars", nil},
		"less than nothing":   {"llm: {limits: {day: -1}}\n", "not an amount in US dollars", nil},
	} {
		_, _, err := loadText(tt.text, tt.env...)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: %v, want it to say %q and show no key", name, err, tt.says)
		}
	}
}

func TestPresetsSayWhatIsLeftOut(t *testing.T) {
	c, warnings, err := loadText("llm: {preset: cloud}\n", "OPENAI_API_KEY=o")
	if err != nil || len(c.LLM.Targets) != 2 || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "ANTHROPIC_API_KEY is not set") {
		t.Errorf("%v, %v, %v", targetsOf(c), warnings, err)
	}
	_, warnings, err = loadText("", "LLM_API_KEY=x")
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "no server is named") {
		t.Errorf("a key without a server: %v, %v", warnings, err)
	}
}
