package hwa

import "encoding/json"

// Page is one page of a list as it travels. Count is nil when the query asked for none. Next is the full address of the next
// page; the client takes only its path and query from it and keeps its own host.
type Page[T any] struct {
	Count    *int64 `json:"count,omitempty"`
	Results  []T    `json:"results"`
	Next     string `json:"next,omitempty"`
	Previous string `json:"previous,omitempty"`
}

// List is a list that comes whole: predecessors, successors, submitted objects.
type List[T any] struct {
	Count   int64 `json:"count"`
	Results []T   `json:"results"`
}

// IssuesResponse is the reply of JobIssues.
type IssuesResponse struct {
	Issues []Issue `json:"issues"`
}

// ModelObject is the envelope of a definition in the database. Def keeps the definition as JSON: its form depends on Kind.
type ModelObject struct {
	Kind    ModelKind       `json:"kind,omitempty"`
	Key     string          `json:"key,omitempty"`
	Def     json.RawMessage `json:"def"`
	Status  ModelStatus     `json:"status,omitzero"`
	Actions []Action        `json:"actions,omitempty"`
}

// ModelStatus is the status part of a model envelope.
type ModelStatus struct {
	LockData    *LockData        `json:"lockData,omitempty"`
	ModifyData  *ModifyData      `json:"modifyData,omitempty"`
	Permissions []UserPermission `json:"permissions,omitempty"`
}

// ModelHeader is what every definition has in common.
type ModelHeader struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	FolderID    string `json:"folderId,omitempty"`
	Folder      string `json:"folder,omitempty"`
	Description string `json:"description,omitempty"`
}

// Suggestion is one completion of the key of a model object.
type Suggestion struct {
	ID          string           `json:"id,omitempty"`
	AbstractID  string           `json:"abstractId,omitempty"`
	Key         string           `json:"key,omitempty"`
	Description string           `json:"description,omitempty"`
	Kind        string           `json:"kind,omitempty"`
	Type        string           `json:"type,omitempty"`
	SubType     string           `json:"subType,omitempty"`
	Permissions []UserPermission `json:"permissions,omitempty"`
}

// Header decodes the fields every definition has.
func (m *ModelObject) Header() (ModelHeader, error) {
	var h ModelHeader
	err := json.Unmarshal(m.Def, &h)
	return h, err
}

// ValueOr returns *p, or fallback when p is nil: for the fields where absent and zero mean different things.
func ValueOr[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}
