package session_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/session"
)

// TestData_JSON: what is sealed reads back the same, what is not there takes no
// room, and what was sealed before there were providers reads on.
func TestData_JSON(t *testing.T) {
	origin := session.Origin{Address: "203.0.113.7", UserAgent: "test/1"}
	tests := []struct {
		name string
		data session.Data
		want string
	}{
		{"nothing", session.Data{}, `{}`},
		{"a password", session.Data{Origin: origin}, `{"address":"203.0.113.7","user_agent":"test/1"}`},
		{"a provider without tokens", session.Data{Tokens: &session.Tokens{}}, `{"tokens":{}}`},
		{
			"a provider",
			session.Data{Origin: origin, Tokens: &session.Tokens{ID: "i", Access: "a", Refresh: "r", Expires: noon}},
			`{"address":"203.0.113.7","user_agent":"test/1","tokens":{"id_token":"i","access_token":"a","refresh_token":"r","expires":"` +
				noon.Format(time.RFC3339Nano) + `"}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.data)
			if err != nil || string(text) != tt.want {
				t.Errorf("%s, %v", text, err)
			}
			var back session.Data
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.data, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSession_upstream: replacing a session's id and refresh token leaves who signed
// it in.
func TestSession_upstream(t *testing.T) {
	s := session.New("sid", "uid", "default", "provider", session.DefaultLife, noon)
	if s.Provider != "" || s.Upstream != "" || s.Sealed != nil {
		t.Errorf("a new session is %+v", s)
	}
	s.Provider, s.Upstream, s.Sealed = "google", "sid-1", []byte("sealed")
	s.Hash, s.Refresh = session.Hash{1}, session.Hash{2}
	s.Replace(session.Hash{3}, noon)
	s.ReplaceNow(session.Hash{4}, noon)
	if err := s.RotateRefresh(session.Hash{2}, session.Hash{5}, noon); err != nil {
		t.Fatal(err)
	}
	if s.Provider != "google" || s.Upstream != "sid-1" || string(s.Sealed) != "sealed" || s.Method != "provider" {
		t.Errorf("became %+v", s)
	}
}
