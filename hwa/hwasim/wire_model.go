package hwasim

import (
	"fmt"
	"net/http"
	"strings"

	"resync/hwa/oql"
)

// modelKind is one kind of definition that can be listed and read.
type modelKind struct {
	path, kind string
	count      func(*Sim) int
	id         func(*Sim, int) uuid
	key        func(*Sim, int) string
	def        func(*Sim, int) map[string]any
	text       func(*Sim, int) string
}

func modelKinds() []modelKind {
	return []modelKind{
		{"jobdefinition", "JobDefinition", func(s *Sim) int { return len(s.model.defs) }, func(s *Sim, i int) uuid { return s.model.defs[i].id },
			func(s *Sim, i int) string { return s.defKey(s.model.defs[i]) }, func(s *Sim, i int) map[string]any { return s.defJSON(s.model.defs[i]) },
			func(s *Sim, i int) string { return s.schedlang(s.model.defs[i]) }},
		{"jobstream", "JobStream", func(s *Sim) int { return len(s.model.streams) }, func(s *Sim, i int) uuid { return s.model.streams[i].id },
			func(s *Sim, i int) string { return s.streamDefKey(s.model.streams[i]) }, func(s *Sim, i int) map[string]any { return s.streamJSON(s.model.streams[i]) },
			func(s *Sim, i int) string { return s.streamLang(s.model.streams[i]) }},
		{"workstation", "Workstation", func(s *Sim) int { return len(s.ws) }, func(s *Sim, i int) uuid { return s.ws[i].id },
			func(s *Sim, i int) string { return "/" + s.ws[i].name }, (*Sim).stationJSON,
			func(s *Sim, i int) string {
				w := &s.ws[i]
				return fmt.Sprintf("CPUNAME %s\n  OS %s\n  NODE %s TCPADDR %d\n  DOMAIN %s\n  FOR MAESTRO\n    TYPE %s\nEND\n", w.name, w.os, w.node, w.port, w.domain, w.kind)
			}},
		{"resource", "Resource", func(s *Sim) int { return len(s.res) }, func(s *Sim, i int) uuid { return s.res[i].id },
			func(s *Sim, i int) string { return s.ws[s.res[i].ws].name + "#" + s.res[i].name }, func(s *Sim, i int) map[string]any {
				r := &s.res[i]
				return map[string]any{"id": r.id.String(), "name": r.name, "folder": "/", "workstation": s.wsKey(r.ws), "quantity": r.total}
			}, func(s *Sim, i int) string {
				return fmt.Sprintf("$RESOURCE\n%s#%s %d\n", s.ws[s.res[i].ws].name, s.res[i].name, s.res[i].total)
			}},
	}
}

func routesModel(s *Sim) {
	for _, k := range modelKinds() {
		s.handleFunc("GET", "/model/"+k.path, reads, rightDisplay, func(c *call) error { return c.modelList(k) })
		s.handleFunc("GET", "/model/"+k.path+"/{id}", reads, rightDisplay, func(c *call) error { return c.modelOne(k) })
	}
	for _, path := range []string{"calendar", "credentials", "domain", "folder", "prompt", "runcyclegroup", "variable", "variabletable", "workloadapplicationtemplate", "workstationclass"} {
		s.handleFunc("GET", "/model/"+path, reads, rightDisplay, func(c *call) error { return c.plain(map[string]any{"count": 0, "results": []any{}}) })
		s.handleFunc("GET", "/model/"+path+"/{id}", reads, rightDisplay, func(c *call) error {
			return fail(http.StatusNotFound, "AWSJDB101E", "The object %q of type %s cannot be found in the database.", c.r.PathValue("id"), path)
		})
	}
	for _, path := range []string{"calendar", "credentials", "domain", "folder", "jobdefinition", "jobstream", "prompt", "resource", "runcyclegroup", "variable", "variabletable", "workloadapplicationtemplate", "workstation", "workstationclass"} {
		refuse := func(*call) error {
			return fail(http.StatusNotImplemented, "", "definitions are read-only in the simulator: nothing was changed in %s", path)
		}
		s.handleFunc("POST", "/model/"+path, reads, 0, refuse)
		s.handleFunc("DELETE", "/model/"+path, reads, 0, refuse)
		for _, m := range []string{"PUT", "DELETE"} {
			s.handleFunc(m, "/model/"+path+"/{id}", reads, 0, refuse)
		}
		for _, a := range []string{"lock", "unlock"} {
			s.handleFunc("PUT", "/model/"+path+"/action/"+a, reads, 0, refuse)
			s.handleFunc("PUT", "/model/"+path+"/{id}/action/"+a, reads, 0, refuse)
		}
	}
	s.handleFunc("POST", "/model/common/convert", reads, rightDisplay, func(c *call) error { return c.convert(false) })
	s.handleFunc("POST", "/model/common/convertOne", reads, rightDisplay, func(c *call) error { return c.convert(true) })
}

func (c *call) wantsText() bool { return strings.HasPrefix(c.r.Header.Get("Accept"), "text/plain") }

// modelFields are what a list of definitions can be filtered by.
func (k modelKind) fields(s *Sim) fieldSet {
	def := func(name string) oql.Accessor[int32] {
		return func(i int32) oql.Value {
			v, _ := k.def(s, int(i))[name].(string)
			if name == "workstation" {
				return oql.Strs(v, strings.TrimPrefix(v, "/"))
			}
			return text(v)
		}
	}
	f := fieldSet{"id": func(i int32) oql.Value { return oql.Str(k.id(s, int(i)).String()) }}
	for _, n := range []string{"name", "folder", "workstation", "type"} {
		f[n] = def(n)
	}
	return f
}

func (k modelKind) spec(c *call) *kindSpec {
	s := c.s
	header := c.r.Header.Get("Only-Header") == "true"
	return &kindSpec{kind: oql.JobStreams, all: indexes(k.count(s)), fields: k.fields(s),
		encode: func(w *jsonw, i int32) { k.encode(c, w, int(i), header) },
		target: func(i int32) oql.Target {
			d := k.def(s, int(i))
			ws, _ := d["workstation"].(string)
			name, _ := d["name"].(string)
			return oql.Target{WorkstationFolder: "/", Workstation: strings.TrimPrefix(ws, "/"), Folder: "/", Name: name}
		}}
}

func (k modelKind) encode(c *call, w *jsonw, i int, header bool) {
	s := c.s
	w.open()
	w.str("kind", k.kind)
	w.str("key", k.key(s, i))
	def := k.def(s, i)
	if header {
		def = map[string]any{"id": def["id"], "name": def["name"], "folder": def["folder"]}
	}
	w.any("def", def)
	w.any("status", map[string]any{"modifyData": map[string]any{"modifiedBy": "wauser", "modifiedTime": s.day0.AddDate(0, -3, 0), "version": 1},
		"permissions": []string{"DISPLAY", "LIST", "USE"}})
	w.close()
}

// modelQuery lets model_filter stand where plan lists have plan_filter.
func (c *call) modelQuery() {
	q := c.r.URL.Query()
	if f := q.Get("model_filter"); f != "" && q.Get("plan_filter") == "" {
		q.Set("plan_filter", f)
		c.r.URL.RawQuery = q.Encode()
	}
}

func (c *call) modelList(k modelKind) error {
	c.modelQuery()
	if !c.wantsText() {
		return c.page(k.spec(c))
	}
	found, err := c.selection(k.spec(c))
	if err != nil {
		return err
	}
	c.ctype = "text/plain; charset=utf-8"
	for _, i := range found[:min(len(found), 1000)] {
		c.out.b = append(c.out.b, k.text(c.s, int(i))+"\n"...)
	}
	return nil
}

func (c *call) modelOne(k modelKind) error {
	u, _ := parseID(c.r.PathValue("id"))
	for i := range k.count(c.s) {
		if k.id(c.s, i) != u {
			continue
		}
		if c.wantsText() {
			c.ctype = "text/plain; charset=utf-8"
			c.out.b = []byte(k.text(c.s, i))
			return nil
		}
		k.encode(c, &c.out, i, false)
		return nil
	}
	return fail(http.StatusNotFound, "AWSJDB101E", "The object %q of type %s cannot be found in the database.", c.r.PathValue("id"), k.kind)
}

func (s *Sim) defKey(d *jobDef) string { return s.ws[d.ws].name + "#" + d.name }

func (s *Sim) streamDefKey(d *streamDef) string {
	return s.ws[d.ws].name + "#" + strings.TrimPrefix(d.folder, "/") + d.name
}

func (s *Sim) defByID(id string) *jobDef {
	u, ok := parseID(id)
	if !ok {
		return nil
	}
	for _, d := range s.model.defs {
		if d.id == u {
			return d
		}
	}
	return nil
}

func (s *Sim) defJSON(d *jobDef) map[string]any {
	return map[string]any{"id": d.id.String(), "folder": "/", "name": d.name, "workstationId": s.ws[d.ws].id.String(), "workstation": s.wsKey(d.ws),
		"description": d.desc, "type": taskType(d), "userLogins": []string{d.login}, "task": taskOf(d),
		"recovery": map[string]any{"option": d.recoveryName(), "recoveryJob": d.recJob, "abendPromptText": d.recText}}
}

func (s *Sim) streamJSON(d *streamDef) map[string]any {
	jobs := make([]map[string]any, len(d.jobs))
	for i := range d.jobs {
		p := &d.jobs[i]
		preds := make([]map[string]any, len(p.follows))
		for n, f := range p.follows {
			preds[n] = map[string]any{"jobName": d.jobs[f].def.name}
		}
		jobs[i] = map[string]any{"name": p.def.name, "jobDefinitionRefId": p.def.id.String(), "jobDefinitionRef": s.defKey(p.def), "workstation": s.wsKey(p.ws),
			"priority": p.prio, "internalPredecessors": preds}
	}
	return map[string]any{"id": d.id.String(), "folder": d.folder, "name": d.name, "workstationId": s.ws[d.ws].id.String(), "workstation": s.wsKey(d.ws),
		"description": d.desc, "priority": d.prio, "limit": d.limit, "jobs": jobs}
}

func (s *Sim) stationJSON(i int) map[string]any {
	w := &s.ws[i]
	return map[string]any{"id": w.id.String(), "name": w.name, "folder": "/", "type": w.kind, "os": w.os, "nodeName": w.node, "tcpPort": w.port,
		"securePort": w.sslPort, "securityLevel": w.security, "domain": w.domain}
}
