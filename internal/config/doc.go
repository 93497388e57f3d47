// Package config reads Resync's settings: one YAML file and the environment,
// the environment over the file over the defaults. Every key is in one table
// (see [List]); a key that is not in it is refused with its line and the
// nearest name, so a misspelt setting cannot be silently ignored. Secrets come
// from the environment or from files of their own, never from the YAML text,
// and are of type [Secret], which prints as •••.
//
// [Load] returns all problems at once, each naming the key and the place.
package config
