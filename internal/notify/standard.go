package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers of Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// standardBody is the body of Standard Webhooks: type, time and data.
type standardBody struct {
	Type string       `json:"type"`
	At   time.Time    `json:"timestamp"`
	Data standardData `json:"data"`
}

type standardData struct {
	Severity Severity        `json:"severity"`
	Title    string          `json:"title"`
	Text     string          `json:"text,omitempty"`
	Facts    []Fact          `json:"facts,omitempty"`
	Link     string          `json:"link,omitempty"`
	Detail   json.RawMessage `json:"detail,omitempty"`
}

// standard writes a message as Standard Webhooks has it (specification 1.0.0,
// standardwebhooks.com). The body holds the time of the event; the header that of
// the attempt, against which a receiver checks that nobody replays an old one.
func standard(m message, id string, key []byte, now time.Time) ([]byte, http.Header, error) {
	body, err := json.Marshal(standardBody{string(m.Kind), m.At, standardData{m.Severity, m.Title, m.Text, m.Facts, m.Link, m.Data}})
	if err != nil {
		return nil, nil, fmt.Errorf("writing a message: %w", err)
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(headerID, id)
	h.Set(headerTimestamp, stamp)
	if len(key) > 0 {
		h.Set(headerSignature, Sign(key, id, stamp, body))
	}
	return body, h, nil
}

// Sign is the signature of a message: v1, and HMAC-SHA256 over id, time and body in
// base64.
func Sign(key []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + stamp + ".")) // a hash does not fail
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
