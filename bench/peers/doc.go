// Package peers runs Resync's own parts beside the public libraries that do the
// same work, in one round. It is a module of its own, so that none of them
// becomes a dependency of the program. The results stand in ../README.md.
package peers
