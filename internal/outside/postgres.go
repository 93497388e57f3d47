package outside

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Postgres keeps passages in PostgreSQL with the extension vector (pgvector 0.7 or
// newer, for sparse vectors). Make it with [OpenPostgres].
type Postgres struct {
	db   *sql.DB
	dims int
}

// OpenPostgres makes the tables when they are not there. dims is the length of
// dense vectors, 0 without a model. The caller closes the database.
func OpenPostgres(ctx context.Context, db *sql.DB, dims int) (*Postgres, error) {
	p := &Postgres{db, dims}
	meaning := "meaning text" // never filled
	if dims > 0 {
		meaning = fmt.Sprintf("meaning vector(%d)", dims)
	}
	for _, text := range []string{
		`create extension if not exists vector`,
		`create table if not exists outside_passages (
			id text primary key, document text not null, about text not null, body text not null, terms bigint[] not null,
			words sparsevec(` + strconv.Itoa(dimensions) + `) not null, ` + meaning + `)`,
		`create index if not exists outside_by_document on outside_passages (document)`,
		`create index if not exists outside_by_term on outside_passages using gin (terms)`,
	} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare PostgreSQL for passages (the extension vector, pgvector 0.7 or newer, must be installed on the server): %w", err)
		}
	}
	if dims > 0 {
		const text = `create index if not exists outside_by_meaning on outside_passages using hnsw (meaning vector_cosine_ops)`
		if _, err := db.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare PostgreSQL for vectors of %d numbers: %w", dims, err)
		}
	}
	return p, nil
}

// about is what a passage brings back besides its text.
type about struct {
	Title string   `json:"title"`
	Path  []string `json:"path"`
	Kind  string   `json:"kind"`
	Start int      `json:"start"`
	End   int      `json:"end"`
	Line  int      `json:"line"`
	Last  int      `json:"last"`
}

func aboutOf(p Passage) about { return about{p.Title, p.Path, p.Kind, p.Start, p.End, p.Line, p.Last} }

func (a about) passage(id, document, text string) Passage {
	return Passage{ID: id, Document: document, Title: a.Title, Path: a.Path, Kind: a.Kind, Text: text, Start: a.Start, End: a.End, Line: a.Line, Last: a.Last}
}

// Upsert puts the passages of a document in place in one transaction.
func (p *Postgres) Upsert(ctx context.Context, document string, passages []Passage) error {
	if err := checkPassages(document, passages); err != nil {
		return err
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if _, err := tx.ExecContext(ctx, `delete from outside_passages where document = $1`, document); err != nil {
		return fmt.Errorf("replace the passages of %s: %w", document, err)
	}
	for from := 0; from < len(passages); from += insertBatch {
		text, args, err := p.insert(passages[from:min(from+insertBatch, len(passages))])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("store the passages of %s: %w", document, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store the passages of %s: %w", document, err)
	}
	return nil
}

// insertBatch is how many passages one statement stores.
const insertBatch = 200

func (p *Postgres) insert(passages []Passage) (text string, args []any, err error) {
	var b strings.Builder
	b.WriteString(`insert into outside_passages (id, document, about, body, terms, words, meaning) values `)
	for i, x := range passages {
		if p.dims > 0 && x.Meaning != nil && len(x.Meaning) != p.dims {
			return "", nil, fmt.Errorf("the passage %s has a vector of %d numbers, the index holds %d", x.ID, len(x.Meaning), p.dims)
		}
		info, err := json.Marshal(aboutOf(x))
		if err != nil {
			return "", nil, err
		}
		at, _ := x.Words.sorted()
		var meaning any
		if p.dims > 0 && x.Meaning != nil {
			meaning = dense(x.Meaning)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		n, typ := len(args), "text"
		if p.dims > 0 {
			typ = "vector"
		}
		fmt.Fprintf(&b, "($%d,$%d,$%d,$%d,$%d::bigint[],$%d::sparsevec,$%d::%s)", n+1, n+2, n+3, n+4, n+5, n+6, n+7, typ)
		args = append(args, x.ID, x.Document, string(info), strings.ReplaceAll(x.Text, "\x00", ""), array(at), sparse(x.Words), meaning)
	}
	return b.String(), args, nil
}

// Delete removes the passages of a document.
func (p *Postgres) Delete(ctx context.Context, document string) error {
	if _, err := p.db.ExecContext(ctx, `delete from outside_passages where document = $1`, document); err != nil {
		return fmt.Errorf("remove the passages of %s: %w", document, err)
	}
	return nil
}

// Search multiplies the question's weights and rarities with the passages' words,
// and joins the nearest by meaning.
func (p *Postgres) Search(ctx context.Context, q Question) ([]Candidate, error) {
	weights, err := p.rare(ctx, q.Words)
	if err != nil {
		return nil, err
	}
	var words, meaning []Candidate
	if len(weights) > 0 {
		at, _ := weights.sorted()
		words, err = p.rows(ctx, `select id, document, about, body, -(words <#> $1::sparsevec) as score from outside_passages
			where terms && $2::bigint[] and ($3 = '' or document = any(string_to_array($3, chr(31))))
			order by words <#> $1::sparsevec, id limit $4`, sparse(weights), array(at), strings.Join(q.Documents, "\x1f"), q.K)
	}
	if err == nil && p.dims > 0 && q.Meaning != nil {
		meaning, err = p.rows(ctx, `select id, document, about, body, 1 - (meaning <=> $1::vector) as score from outside_passages
			where meaning is not null and ($2 = '' or document = any(string_to_array($2, chr(31))))
			order by meaning <=> $1::vector limit $3`, dense(q.Meaning), strings.Join(q.Documents, "\x1f"), q.K)
	}
	if err != nil {
		return nil, err
	}
	return merge(words, meaning, meaningWeight, q.K), nil
}

// rare multiplies each weight with the rarity of its term: BM25's idf.
func (p *Postgres) rare(ctx context.Context, words Sparse) (Sparse, error) {
	at, _ := words.sorted()
	if len(at) == 0 {
		return nil, nil
	}
	rows, err := p.db.QueryContext(ctx, `select t, (select count(*) from outside_passages where terms @> array[t]), (select count(*) from outside_passages)
		from unnest($1::bigint[]) as t`, array(at))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer rows.Close()
	out := Sparse{}
	for rows.Next() {
		var term, n, all int64
		if err := rows.Scan(&term, &n, &all); err != nil {
			return nil, fmt.Errorf("read the rarity of terms: %w", err)
		}
		if n > 0 {
			out[uint32(term)] = words[uint32(term)] * float32(math.Log(1+(float64(all-n)+0.5)/(float64(n)+0.5)))
		}
	}
	return out, rows.Err()
}

func (p *Postgres) rows(ctx context.Context, text string, args ...any) ([]Candidate, error) {
	rows, err := p.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer rows.Close()
	var out []Candidate
	for rows.Next() {
		var id, document, info, body string
		var score float64
		if err := rows.Scan(&id, &document, &info, &body, &score); err != nil {
			return nil, fmt.Errorf("read a passage: %w", err)
		}
		var a about
		if err := json.Unmarshal([]byte(info), &a); err != nil {
			return nil, fmt.Errorf("read the passage %s: %w", id, err)
		}
		out = append(out, Candidate{a.passage(id, document, body), score})
	}
	return out, rows.Err()
}

// sparse writes a sparse vector as pgvector reads it; its numbers begin with 1.
func sparse(s Sparse) string {
	at, values := s.sorted()
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range at {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%g", k+1, values[i])
	}
	fmt.Fprintf(&b, "}/%d", dimensions)
	return b.String()
}

// dense writes a vector as pgvector reads it.
func dense(v []float32) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	return b.String() + "]"
}

// array writes numbers as PostgreSQL reads them.
func array(list []uint32) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, x := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(x), 10))
	}
	return b.String() + "}"
}
