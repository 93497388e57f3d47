package api

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsHead is the beginning of the API's reference, which is rendered from the
// OpenAPI document without any script. %s is the version.
const docsHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Resync API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs/style.css"></head>
<body><main><h1>Resync API %s</h1>
<p>The same in OpenAPI 3.1: <a href="/openapi.json">openapi.json</a>. Errors are problem documents (RFC 9457). Roles come from the session.</p>
<section id="idempotency"><h2>Idempotency keys</h2>
<p>Send <code>Idempotency-Key: "a string of your own"</code> with a request that changes something, and repeat the request with the same key when no answer came: it is
carried out once. A key is one string of at most 255 printable ASCII characters, with or without quotes, and belongs to the user who sends it. It is remembered for 24 hours, and for
72 hours where the request may act on an engine.</p>
<table><thead><tr><th>Answer</th><th>Meaning</th></tr></thead><tbody>
<tr><td>the first answer, with <code>Idempotency-Replayed: true</code></td><td>The request was carried out before; this is what was answered then, success or failure.</td></tr>
<tr><td>400</td><td>The key is not well formed, or it is missing and <code>server.require_idempotency_key</code> is set.</td></tr>
<tr><td>409, <code>operation_state: in_progress</code></td><td>The first request is still being carried out. Ask again after <code>Retry-After</code> seconds.</td></tr>
<tr><td>409, <code>operation_state: indeterminate</code></td><td>The server stopped while it carried the request out. Nothing is sent a second time; <code>operation_ref</code> names the run whose journal says what came of it.</td></tr>
<tr><td>422</td><td>The key was used for another request.</td></tr>
<tr><td>503</td><td>The store does not answer, so nothing was done. Try again with the same key.</td></tr></tbody></table></section>`

const docsStyle = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:0}main{max-width:72rem;margin:0 auto;padding:1.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
code{font-family:ui-monospace,monospace}ul{margin:.3rem 0 0;padding-left:1.2rem}`

type docsOperation struct {
	Method, Path, Summary, Role, Tier string
	Parameters                        []*huma.Param
}

type docsTag struct {
	Name       string
	Operations []docsOperation
}

func (s *server) docs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
	if _, err := io.WriteString(w, docsPage(s.Version, s.docsTags())); err != nil {
		s.Log.WarnContext(r.Context(), "writing the reference page", "err", err)
	}
}

// docsPage writes the reference. No template engine: one call of it makes the
// linker keep every method of the program, which is several megabytes.
func docsPage(version string, tags []docsTag) string {
	var b strings.Builder
	esc := html.EscapeString
	fmt.Fprintf(&b, docsHead, esc(version))
	for _, t := range tags {
		fmt.Fprintf(&b, "\n<section><h2>%s</h2><table><thead><tr><th>Operation</th><th>Role</th><th>Tier</th><th>What it does</th></tr></thead><tbody>\n", esc(t.Name))
		for _, op := range t.Operations {
			fmt.Fprintf(&b, "<tr><td><code>%s %s</code></td><td>%s</td><td>%s</td><td>%s\n%s</td></tr>\n",
				esc(op.Method), esc(op.Path), esc(op.Role), esc(op.Tier), esc(op.Summary), docsParameters(op.Parameters))
		}
		b.WriteString("</tbody></table></section>")
	}
	b.WriteString("</main></body></html>")
	return b.String()
}

func docsParameters(list []*huma.Param) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<ul>")
	for _, p := range list {
		fmt.Fprintf(&b, "<li><code>%s</code> (%s)", html.EscapeString(p.Name), html.EscapeString(p.In))
		if p.Required {
			b.WriteString(", required")
		}
		if p.Description != "" {
			b.WriteString(": " + html.EscapeString(p.Description))
		}
		b.WriteString("</li>")
	}
	return b.String() + "</ul>"
}

func docsCSS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(docsStyle)) // a client that is gone needs no answer
}

// docsTags groups the operations by tag, in the order of paths.
func (s *server) docsTags() []docsTag {
	groups := map[string][]docsOperation{}
	paths := s.api.OpenAPI().Paths
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		item := paths[p]
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete} {
			if op == nil || op.Hidden {
				continue
			}
			role, _ := op.Extensions["x-resync-role"].(string)
			tier, _ := op.Extensions["x-resync-tier"].(string)
			if role == "" {
				role = "everybody"
			}
			groups[op.Tags[0]] = append(groups[op.Tags[0]], docsOperation{method, p, op.Summary, role, tier, op.Parameters})
		}
	}
	var out []docsTag
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, docsTag{name, groups[name]})
	}
	return out
}
