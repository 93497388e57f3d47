package knowledge

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"resync/internal/retrieve"
)

// handbookFiles are the entries in our own words about states, gates, actions,
// the plan and known faults. Each has the parts Symptom, Meaning, Check, Do, Risk.
//
//go:embed handbook/*.md
var handbookFiles embed.FS

// handbookFolder begins the names of the handbook's documents.
const handbookFolder = "handbook/"

// Handbook is the operations handbook that comes with the program.
func Handbook() ([]retrieve.Document, error) {
	files, err := fs.Glob(handbookFiles, handbookFolder+"*.md")
	if err != nil {
		return nil, fmt.Errorf("list the handbook: %w", err)
	}
	var docs []retrieve.Document
	for _, f := range files {
		b, err := handbookFiles.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the handbook: %w", err)
		}
		docs = append(docs, retrieve.Document{Name: f, Text: string(b), Builtin: true})
	}
	return docs, nil
}

// IsHandbook says whether a document of a passage is part of the handbook.
func IsHandbook(document string) bool { return strings.HasPrefix(document, handbookFolder) }
