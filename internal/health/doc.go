// Package health knows whether Resync can do its work. There is one list of
// checks; start-up, /readyz, /health and the console all run that list, so they
// cannot disagree. A check has its own timeout and says, when it does not pass,
// what to do about it.
//
// The document is application/health+json as in draft-inadarei-api-health-check-06.
// A check that must pass for the next request to succeed is critical: if it
// fails, the whole is "fail" and HTTP 503. Any other failure is "warn" and 200.
package health
