package store

import "errors"

// Errors of the engine, wrapped around the engine's own message.
var (
	// ErrBusy: another process holds the database's write lock, or the
	// transaction lost against another one. Trying again later is safe.
	ErrBusy = errors.New("the database is locked by another process")
	// ErrAway: the server of the database cannot be reached, says nothing or says
	// what makes no sense. Whether a commit was carried out is then not known.
	ErrAway = errors.New("the database does not answer")
	// ErrStorageFull: the disk or the quota is full. Reads go on working.
	ErrStorageFull = errors.New("the database's disk is full")
	// ErrReadOnly: the database cannot be written.
	ErrReadOnly = errors.New("the database is read-only")
	// ErrNotADatabase: the file exists and is not a Resync database.
	ErrNotADatabase = errors.New("the file is not a Resync database")
	// ErrCorrupt: the engine found its file damaged.
	ErrCorrupt = errors.New("the database file is damaged")
	// ErrSchemaTooNew: a newer Resync wrote this database.
	ErrSchemaTooNew = errors.New("the database was written by a newer version of Resync")
)

// Errors of the records.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrExists: a record with this key is already there.
	ErrExists = errors.New("already exists")
	// ErrInvalid: a field of the record cannot be stored; the message names it.
	ErrInvalid = errors.New("invalid")
	// ErrAlreadyClaimed: somebody else executes, or executed, this run or undo.
	ErrAlreadyClaimed = errors.New("already claimed")
	// ErrAlreadyFinal: the run already has an outcome.
	ErrAlreadyFinal = errors.New("already has an outcome")
	// ErrNotUnknown: only a run whose outcome is unknown can be reconciled.
	ErrNotUnknown = errors.New("its outcome is not unknown")
	// ErrExpired: the approval or undo record is past its time.
	ErrExpired = errors.New("expired")
	// ErrDecided: the approval has been approved or rejected already.
	ErrDecided = errors.New("already decided")
	// ErrUsed: the approval has been spent.
	ErrUsed = errors.New("already used")
	// ErrVoid: the approval was withdrawn; its reason says why.
	ErrVoid = errors.New("void")
	// ErrDuplicateVote: this person has voted on this approval.
	ErrDuplicateVote = errors.New("already voted")
	// ErrSelfApproval: the requester may not approve this run.
	ErrSelfApproval = errors.New("the requester may not approve their own request")
	// ErrDigestMismatch: the approval was given for something else.
	ErrDigestMismatch = errors.New("the approval was given for a different action")
	// ErrNotApproved: votes are missing.
	ErrNotApproved = errors.New("not approved yet")
	// ErrNotUndoable: the action has no inverse.
	ErrNotUndoable = errors.New("cannot be undone")
	// ErrUndone: the action has been undone already.
	ErrUndone = errors.New("already undone")
)

// errUnique is what both engines' unique-constraint violations translate to;
// callers inside the package turn it into the error that fits the record.
var errUnique = errors.New("a row with this key exists")

// engineError keeps the engine's error beside the sentinel that names it.
type engineError struct {
	cause error // one of the sentinels
	err   error // what the engine said
}

func (e *engineError) Error() string   { return e.cause.Error() + " (" + e.err.Error() + ")" }
func (e *engineError) Unwrap() []error { return []error{e.cause, e.err} }
