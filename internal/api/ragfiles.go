package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/knowledge"
	"resync/internal/store"
)

// fileView is a document as the contract lists it.
type fileView struct {
	FileID      string             `json:"file_id"`
	Filename    string             `json:"filename"`
	Title       string             `json:"title"`
	Status      string             `json:"status" doc:"completed (searched), quarantined (waits for a person) or rejected"`
	ChunksCount int                `json:"chunks_count"`
	CreatedAt   time.Time          `json:"created_at"`
	ProcessedAt time.Time          `json:"processed_at"`
	Collection  string             `json:"collection"`
	Bytes       int                `json:"bytes"`
	SHA256      string             `json:"sha256"`
	Metadata    knowledge.Meta     `json:"metadata"`
	Near        []knowledge.Near   `json:"near_duplicates,omitempty"`
	Held        []knowledge.Reason `json:"held,omitempty" doc:"why it is or was in quarantine"`
}

// fileStatus is the contract's name of a state.
func fileStatus(state string) string {
	if state == string(store.DocumentActive) {
		return "completed"
	}
	return state
}

func viewFile(d knowledge.Source) fileView {
	v := fileView{FileID: d.ID, Filename: d.Name, Title: d.Title, Status: fileStatus(string(d.State)), ChunksCount: d.Passages, CreatedAt: d.Ingested,
		ProcessedAt: d.Ingested, Collection: d.Collection, Bytes: d.Bytes, SHA256: d.SHA256, Metadata: d.Meta, Near: d.Near, Held: d.Meta.Held}
	v.Metadata.Held, v.Metadata.Pages = nil, nil // shown elsewhere; long
	return v
}

func (s *server) registerFiles() {
	const tag = "knowledge"
	add(s, route{id: "rag-upload", method: http.MethodPost, paths: both(uploadPath), tag: tag, tier: BestEffort, role: auth.Operator, key: keyNone,
		summary: "Add a document: multipart/form-data with one file", errors: []int{400, 413, 415, 422}}, s.ragUpload)
	add(s, route{id: "rag-files", method: http.MethodGet, paths: both("/rag/files"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "The documents, with those in quarantine"}, s.ragFiles)
	add(s, route{id: "rag-file", method: http.MethodGet, paths: both("/rag/files/{id}"), tag: tag, tier: BestEffort, role: auth.Viewer,
		summary: "One document", errors: []int{404}}, s.ragFile)
	add(s, route{id: "rag-file-delete", method: http.MethodDelete, paths: both("/rag/files/{id}"), tag: tag, tier: BestEffort, role: auth.Admin, key: keyNone,
		summary: "Remove a document", errors: []int{404}}, s.ragDelete)
	add(s, route{id: "rag-file-describe", method: http.MethodPost, paths: both("/rag/files/{id}/describe"), tag: tag, tier: BestEffort, role: auth.Operator,
		key: keyNone, summary: "Change tags, version, authority or freshness of a document", errors: []int{400, 403, 404}}, s.ragDescribe)
	add(s, route{id: "rag-file-review", method: http.MethodPost, paths: both("/rag/files/{id}/review"), tag: tag, tier: BestEffort, role: auth.Admin,
		key: keyNone, summary: "Release a document from quarantine, or reject it", errors: []int{400, 404}}, s.ragReview)
}

// uploadPath takes the only bodies that are not JSON.
const uploadPath = "/rag/upload"

// maxUpload is the largest body of an upload: one file and its fields.
const maxUpload = knowledge.MaxFile + 64<<10

// isUpload says whether a request is one that [strictJSON] must let through.
func isUpload(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data" && r.Method == http.MethodPost && strings.TrimPrefix(r.URL.Path, "/api/v1") == uploadPath
}

// boundUpload refuses a body that says it is too large before reading any of it,
// and bounds one that does not say.
func boundUpload(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.ContentLength > maxUpload {
		w.Header().Set("Connection", "close")
		writeProblem(w, r, http.StatusRequestEntityTooLarge, tooLarge(r.ContentLength))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	next.ServeHTTP(w, r)
}

func tooLarge(n int64) string {
	text := fmt.Sprintf("at most %d MB can be uploaded", knowledge.MaxFile>>20)
	if n > 0 {
		text = fmt.Sprintf("the upload has %d MB; ", n>>20) + text
	}
	return text + "; split the document"
}

// uploadInput reads the form itself, part by part, so that a refusal comes before
// the whole body and nothing is written to disk.
type uploadInput struct {
	form *uploadForm
	err  error
}

type uploadForm struct {
	in  knowledge.Input
	how *knowledge.Chunking
}

// Resolve reads the form.
func (u *uploadInput) Resolve(hc huma.Context) []error {
	u.form, u.err = readForm(hc.Header("Content-Type"), hc.BodyReader())
	return nil
}

// maxField is the longest field of a form besides the file.
const maxField = 4 << 10

// maxParts is the most fields a form has.
const maxParts = 20

func readForm(contentType string, body io.Reader) (*uploadForm, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, huma.Error415UnsupportedMediaType("an upload is multipart/form-data with the document in the field file")
	}
	f, seen := &uploadForm{}, map[string]bool{}
	parts := multipart.NewReader(body, params["boundary"])
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, formError(err)
		}
		name := p.FormName()
		switch {
		case n == maxParts:
			return nil, huma.Error400BadRequest(fmt.Sprintf("the form has more than %d fields", maxParts))
		case seen[name]:
			return nil, huma.Error400BadRequest(name + ": the field is given twice; one upload takes one document")
		}
		seen[name] = true
		if err := f.field(name, p); err != nil {
			return nil, err
		}
	}
	if !seen["file"] {
		return nil, huma.Error400BadRequest("file: the document is missing")
	}
	return f, nil
}

// formError says what is wrong with a body.
func formError(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return huma.NewError(http.StatusRequestEntityTooLarge, tooLarge(0))
	}
	return huma.Error400BadRequest("the form could not be read: it is cut off or not multipart/form-data")
}

// field takes one field of the form.
func (f *uploadForm) field(name string, p *multipart.Part) error {
	limit := int64(maxField)
	if name == "file" {
		limit = knowledge.MaxFile + 1
	}
	data, err := io.ReadAll(io.LimitReader(p, limit+1))
	if err != nil {
		return formError(err)
	}
	if name == "file" {
		if f.in.Data = data; int64(len(data)) >= limit {
			return huma.NewError(http.StatusRequestEntityTooLarge, tooLarge(0))
		}
		if f.in.Name == "" {
			f.in.Name = p.FileName()
		}
		return nil
	}
	if int64(len(data)) > limit {
		return huma.Error400BadRequest(fmt.Sprintf("%s: it is longer than %d bytes", name, maxField))
	}
	return f.text(name, strings.TrimSpace(string(data)))
}

// text takes a field that says something about the document.
func (f *uploadForm) text(name, v string) (err error) {
	if v == "" {
		return nil
	}
	m := &f.in.Meta
	switch name {
	case "name":
		f.in.Name = v
	case "title":
		f.in.Title = v
	case "collection":
		f.in.Collection = v
	case "tags":
		m.Tags = csv(v)
	case "version":
		m.Version = v
	case "authority":
		m.Authority = knowledge.Authority(v)
	case "updated":
		if m.Updated, err = parseDay(v); err != nil {
			return huma.Error400BadRequest("updated: " + err.Error())
		}
	case "deprecated":
		if m.Deprecated, err = strconv.ParseBool(v); err != nil {
			return huma.Error400BadRequest("deprecated: write true or false")
		}
	case "strategy":
		f.advanced().Strategy = v
	case "max_tokens":
		return wholeNumber(name, v, &f.advanced().MaxTokens)
	case "overlap_tokens":
		return wholeNumber(name, v, &f.advanced().OverlapTokens)
	default:
		return huma.Error400BadRequest(fmt.Sprintf("%.40q is no field of an upload; there are file, name, title, collection, tags, version, authority, updated, deprecated, strategy, max_tokens, overlap_tokens", name))
	}
	return nil
}

func (f *uploadForm) advanced() *knowledge.Chunking {
	if f.how == nil {
		f.how = &knowledge.Chunking{}
	}
	return f.how
}

func wholeNumber(name, v string, into *int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<20 {
		return huma.Error400BadRequest(name + ": write a whole number")
	}
	*into = n
	return nil
}

// parseDay reads a day or a moment.
func parseDay(v string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, v); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return t, errors.New("write a day as 2026-11-22")
	}
	return t.UTC(), nil
}

type uploadOutput struct {
	Body struct {
		Filename    string             `json:"filename"`
		Status      string             `json:"status" doc:"completed, unchanged, duplicate or quarantined; the document is searched once the answer says completed"`
		FileID      string             `json:"file_id"`
		UploadTime  time.Time          `json:"upload_time"`
		ChunksCount int                `json:"chunks_count"`
		Reason      string             `json:"reason,omitempty"`
		Held        []knowledge.Reason `json:"held,omitempty"`
		Near        []knowledge.Near   `json:"near_duplicates,omitempty"`
	}
}

func (s *server) ragUpload(ctx context.Context, u *uploadInput) (*uploadOutput, error) {
	if u.err != nil {
		return nil, u.err
	}
	who := identityOf(ctx)
	if err := mayCall(who, u.form.in.Meta.Authority); err != nil {
		return nil, err
	}
	u.form.in.Meta.By = who.User
	var f knowledge.File
	var err error
	if u.form.how != nil {
		f, err = s.Knowledge.IngestDocumentAdvanced(ctx, u.form.in, *u.form.how)
	} else {
		f, err = s.Knowledge.IngestDocument(ctx, u.form.in)
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if f.Status == knowledge.Refused {
		return nil, huma.Error422UnprocessableEntity(f.Name + ": " + f.Reason)
	}
	out := &uploadOutput{}
	b := &out.Body
	b.Filename, b.FileID, b.UploadTime, b.ChunksCount, b.Reason, b.Held, b.Near = f.Name, f.ID, nowUTC(), f.Passages, f.Reason, f.Held, f.Near
	b.Status = string(f.Status)
	if f.Status == knowledge.Added || f.Status == knowledge.Updated {
		b.Status = "completed"
	}
	return out, nil
}

// mayCall refuses that somebody who is no administrator calls a document official.
func mayCall(who auth.Identity, a knowledge.Authority) error {
	if a.Level() >= knowledge.AuthorityOfficial.Level() && !who.Roles.Has(auth.Admin) {
		return huma.Error403Forbidden("authority: only an administrator may call a document official")
	}
	return nil
}

type filesInput struct {
	Status     string `query:"status_filter" enum:"completed,quarantined,rejected,all" default:"all"`
	Collection string `query:"collection" maxLength:"40"`
	Limit      int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type filesOutput struct {
	Body struct {
		Files []fileView `json:"files"`
		Total int        `json:"total" doc:"of those that match, also beyond the limit"`
	}
}

func (s *server) ragFiles(_ context.Context, in *filesInput) (*filesOutput, error) {
	out := &filesOutput{}
	out.Body.Files = []fileView{}
	for _, d := range s.Knowledge.Sources() {
		v := viewFile(d)
		if (in.Status != "all" && v.Status != in.Status) || (in.Collection != "" && d.Collection != in.Collection) {
			continue
		}
		if out.Body.Total++; len(out.Body.Files) < in.Limit {
			out.Body.Files = append(out.Body.Files, v)
		}
	}
	return out, nil
}

type fileInput struct {
	ID string `path:"id" maxLength:"80"`
}

type fileOutput struct{ Body fileView }

func (s *server) ragFile(ctx context.Context, in *fileInput) (*fileOutput, error) {
	d, err := s.Knowledge.Source(in.ID)
	return s.fileAnswer(ctx, d, err)
}

func (s *server) fileAnswer(ctx context.Context, d knowledge.Source, err error) (*fileOutput, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &fileOutput{viewFile(d)}, nil
}

type deletedOutput struct {
	Body struct {
		FileID   string `json:"file_id"`
		Filename string `json:"filename"`
		Status   string `json:"status"`
	}
}

func (s *server) ragDelete(ctx context.Context, in *fileInput) (*deletedOutput, error) {
	d, err := s.Knowledge.Delete(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	s.Log.InfoContext(ctx, "a document was removed", "document", d.Name, "by", identityOf(ctx).User)
	out := &deletedOutput{}
	out.Body.FileID, out.Body.Filename, out.Body.Status = d.ID, d.Name, "deleted"
	return out, nil
}

type describeInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		Tags       *[]string  `json:"tags,omitempty" maxItems:"20"`
		Version    *string    `json:"version,omitempty" maxLength:"60"`
		Authority  *string    `json:"authority,omitempty" maxLength:"20"`
		Updated    *time.Time `json:"updated,omitempty" doc:"when its content was last true"`
		Deprecated *bool      `json:"deprecated,omitempty"`
	}
}

func (s *server) ragDescribe(ctx context.Context, in *describeInput) (*fileOutput, error) {
	if a := in.Body.Authority; a != nil {
		if err := mayCall(identityOf(ctx), knowledge.Authority(*a)); err != nil {
			return nil, err
		}
	}
	d, err := s.Knowledge.Describe(ctx, in.ID, func(m *knowledge.Meta) {
		set(&m.Tags, in.Body.Tags)
		set(&m.Version, in.Body.Version)
		set(&m.Updated, in.Body.Updated)
		set(&m.Deprecated, in.Body.Deprecated)
		if in.Body.Authority != nil {
			m.Authority = knowledge.Authority(*in.Body.Authority)
		}
	})
	return s.fileAnswer(ctx, d, err)
}

// set changes what the request names.
func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

type reviewInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		Action string `json:"action" enum:"release,reject"`
	}
}

func (s *server) ragReview(ctx context.Context, in *reviewInput) (*fileOutput, error) {
	who := identityOf(ctx).User
	d, err := s.Knowledge.Review(ctx, in.ID, in.Body.Action == "release", who)
	if err == nil {
		s.Log.InfoContext(ctx, "a document in quarantine was decided", "document", d.Name, "action", in.Body.Action, "by", who)
	}
	return s.fileAnswer(ctx, d, err)
}
