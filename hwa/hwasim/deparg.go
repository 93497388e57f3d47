package hwasim

import (
	"math"
	"net/http"
)

// depBody is a dependency as callers send it.
type depBody struct {
	Type        string `json:"dependencyType"`
	ID          string `json:"id"`
	JobID       string `json:"jobId"`
	JobStreamID string `json:"jobStreamId"`
	Name        string `json:"name"`
	Workstation string `json:"workstation"`
	Quantity    int    `json:"quantity"`
	PromptName  string `json:"promptName"`
	Text        string `json:"text"`
	File        struct {
		Name        string `json:"name"`
		Workstation string `json:"workstation"`
	} `json:"file"`
}

// depArgs reads {"dependencies":[…]}: ids for release and remove, targets for add.
func (c *call) depArgs(name string, a *actionArgs) error {
	var body struct {
		Dependencies []depBody `json:"dependencies"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if len(body.Dependencies) == 0 {
		return fail(http.StatusBadRequest, "", "dependencies: the list is empty")
	}
	for _, d := range body.Dependencies {
		if name != "add-dependencies" {
			if d.ID == "" {
				return fail(http.StatusBadRequest, "", "dependencies: the id of the dependency is required")
			}
			a.depIDs = append(a.depIDs, d.ID)
			continue
		}
		parsed, err := c.newDep(d)
		if err != nil {
			return err
		}
		a.deps = append(a.deps, parsed)
	}
	return nil
}

func (c *call) newDep(d depBody) (dep, error) {
	s := c.s
	switch d.Type {
	case "INTERNAL", "EXTERNAL_JOB":
		u, _ := parseID(d.JobID)
		ji, ok := s.findJob(u)
		if !ok {
			return dep{}, refuse("AWSBIN075E", "The predecessor job %q is not in the plan.", d.JobID)
		}
		if d.Type == "INTERNAL" {
			return dep{kind: depInternal, target: ji}, nil
		}
		return dep{kind: depJob, target: ji}, nil
	case "EXTERNAL_JOBSTREAM":
		u, _ := parseID(d.JobStreamID)
		si, ok := s.streamIDs[u]
		if !ok {
			return dep{}, refuse("AWSBIN075E", "The predecessor job stream %q is not in the plan.", d.JobStreamID)
		}
		return dep{kind: depStream, target: si}, nil
	case "RESOURCE":
		return s.resourceDep(d)
	case "FILE":
		wi, ok := s.station(d.File.Workstation)
		if !ok || d.File.Name == "" {
			return dep{}, fail(http.StatusBadRequest, "", "file: name and a known workstation are required")
		}
		return dep{kind: depFile, target: s.addFile(fileRef{ws: wi, name: d.File.Name, arrives: noTime}, 0)}, nil
	case "PROMPT":
		if d.PromptName == "" && d.Text == "" {
			return dep{}, fail(http.StatusBadRequest, "", "prompt: promptName or text is required")
		}
		return dep{kind: depPrompt, target: s.promptFor(d)}, nil
	}
	return dep{}, fail(http.StatusBadRequest, "", "dependencyType: %q cannot be added", d.Type)
}

func (s *Sim) resourceDep(d depBody) (dep, error) {
	wi, ok := s.station(d.Workstation)
	for i := range s.res {
		if ok && s.res[i].ws == wi && s.res[i].name == d.Name {
			if d.Quantity < 1 || d.Quantity > math.MaxInt16 {
				return dep{}, fail(http.StatusBadRequest, "", "quantity: want 1 or more")
			}
			return dep{kind: depResource, target: int32(i), qty: int16(d.Quantity)}, nil
		}
	}
	return dep{}, refuse("AWSBIN075E", "The resource %s#%s is not in the plan.", d.Workstation, d.Name)
}

func (s *Sim) promptFor(d depBody) int32 {
	if d.PromptName != "" {
		return s.predefinedPrompt(d.PromptName, 0, 0)
	}
	return s.addPrompt("", d.Text, "Ad Hoc Prompt", 0)
}

// station finds a workstation by name, with or without the folder's slash.
func (s *Sim) station(name string) (int32, bool) {
	if len(name) > 0 && name[0] == '/' {
		name = name[1:]
	}
	i, ok := s.model.wsIndex[name]
	return i, ok
}
