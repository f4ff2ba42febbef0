package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/joho/godotenv"
)

// minSecretBytes is what HS256 asks of a secret (RFC 7518 section 3.2).
const minSecretBytes = 32

// settings are the environment of a node, section 1 of the wire contract. Every field says
// what it is (help), and what it is when not set (envDefault).
type settings struct {
	DatabaseURL     string `env:"DATABASE_URL" help:"Postgres 15+ (required)"`
	DatabaseReadURL string `env:"DATABASE_READ_URL" help:"replica for REST reads; the default is DATABASE_URL"`
	RedisURL        string `env:"REDIS_URL" help:"redis:// or rediss://; a comma list is a cluster (required)"`

	Port       int      `env:"SOCKET_PORT" envDefault:"3001" help:"listen port"`
	ListenAddr string   `env:"LISTEN_ADDR" help:"host:port to listen on; overrides SOCKET_PORT"`
	SocketPath string   `env:"SOCKET_PATH" envDefault:"/socket.io" help:"Socket.IO path"`
	Origins    []string `env:"FRONTEND_URL" envDefault:"http://localhost:3000" help:"allowed browser origins, comma list"`

	JWTSecret   string `env:"JWT_SECRET" help:"HS256 secret, at least 32 bytes (required unless JWKS_URL; local accounts need it)"`
	JWKSURL     string `env:"JWKS_URL" help:"where an identity provider publishes its RS256, ES256 and EdDSA keys"`
	JWTIssuer   string `env:"JWT_ISSUER" help:"the iss that tokens must carry, when set"`
	JWTAudience string `env:"JWT_AUDIENCE" help:"the aud that tokens must carry, when set"`
	// AccessTokenTTL is of local accounts: other tokens say themselves how long they are valid.
	AccessTokenTTL time.Duration `env:"ACCESS_TOKEN_TTL" envDefault:"15m" help:"how long the access token of a local account is valid; the page renews it by itself"`
	AutoProvision  bool          `env:"AUTO_PROVISION" envDefault:"false" help:"a valid token of an unknown user registers that user"`

	PingInterval        int           `env:"SOCKET_PING_INTERVAL" envDefault:"25000" help:"ms between heartbeats"`
	PingTimeout         int           `env:"SOCKET_PING_TIMEOUT" envDefault:"60000" help:"ms to wait for the answer to a heartbeat"`
	MaxPayload          int           `env:"SOCKET_MAX_HTTP_BUFFER_SIZE" envDefault:"1000000" help:"bytes, one incoming packet"`
	CompressAbove       int           `env:"SOCKET_COMPRESSION_THRESHOLD" envDefault:"1024" help:"bytes above which messages are compressed (permessage-deflate, gzip); 0 = off"`
	MaxConnectionsPerIP int           `env:"SOCKET_MAX_CONNECTIONS_PER_IP" envDefault:"5" help:"live sockets of one address; 0 = no limit"`
	TrustedProxies      []string      `env:"TRUSTED_PROXIES" help:"CIDRs whose X-Forwarded-For is believed, comma list"`
	RateLimitMessages   int           `env:"SOCKET_RATE_LIMIT_MESSAGES" envDefault:"30" help:"messages of one user in a window, across nodes; 0 = no limit"`
	RateLimitWindow     int           `env:"SOCKET_RATE_LIMIT_WINDOW" envDefault:"60" help:"seconds"`
	MaxRoomsPerSocket   int           `env:"MAX_ROOMS_PER_SOCKET" envDefault:"100" help:"rooms that one socket may receive"`
	RecoveryMaxEvents   int           `env:"RECOVERY_MAX_EVENTS" envDefault:"1000" help:"events that a client which comes back may catch up on"`
	RecoveryMaxAge      time.Duration `env:"RECOVERY_MAX_AGE" envDefault:"24h" help:"how old they may be"`

	PresenceTTL   int `env:"PRESENCE_TTL" envDefault:"300" help:"seconds a silent user stays online"`
	PresenceGrace int `env:"PRESENCE_GRACE" envDefault:"10" help:"seconds after the last socket closes before a user is offline"`

	TypingTTL int `env:"TYPING_TTL" envDefault:"5" help:"seconds for which somebody is typing after the last sign of it"`

	BatchWindow      int `env:"BATCH_WINDOW" envDefault:"100" help:"ms that a push may wait for others, for sockets that ask for batches"`
	BatchSize        int `env:"BATCH_SIZE" envDefault:"50" help:"most pushes in one batch"`
	MaxMessageLength int `env:"MAX_MESSAGE_LENGTH" envDefault:"5000" help:"Unicode code points"`

	WebhookAllowPrivate bool          `env:"WEBHOOK_ALLOW_PRIVATE" envDefault:"false" help:"let webhooks reach private networks and this host, by plain http, too"`
	WebhookTimeout      time.Duration `env:"WEBHOOK_TIMEOUT" envDefault:"10s" help:"how long a receiver of a webhook may take to answer"`
	WebhookParkAfter    time.Duration `env:"WEBHOOK_PARK_AFTER" envDefault:"24h" help:"how long deliveries may fail before their webhook is parked"`

	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"20s" help:"how long a stop may take"`
	LogLevel        slog.Level    `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error; debug logs every socket event"`
	LogFormat       string        `env:"LOG_FORMAT" envDefault:"text" help:"text or json"`

	MetricsToken  string  `env:"METRICS_TOKEN" help:"what /metrics asks for as a bearer token, at least 16 bytes; the default is that anybody may read it"`
	TraceEndpoint string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"base URL of an OpenTelemetry collector (OTLP over HTTP); without it nothing is traced"`
	TraceRatio    float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"0.01" help:"share of the commands that are traced, from 0 to 1"`

	AllowInsecureJWKS   bool `env:"ALLOW_INSECURE_JWKS" envDefault:"false" help:"fetch JWKS_URL by plain http from other machines, too"`
	AllowUnsafePostgres bool `env:"ALLOW_UNSAFE_POSTGRES" envDefault:"false" help:"start although Postgres may lose commits (fsync or synchronous_commit off)"`

	trustedProxies []netip.Prefix
	demo           bool // with users whom anybody may be
}

// loadSettings reads the environment, and a .env file for what it does not set. Every
// error is a usageError of one line that names the variable.
func loadSettings() (settings, error) {
	if err := godotenv.Load(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return settings{}, usagef(".env: %w", err)
	}
	s, err := env.ParseAs[settings]()
	if err != nil {
		return settings{}, usageError{describe(err)}
	}
	return s, nil
}

// describe turns a parse error into one line that names the variable and not its value,
// which may be a secret.
func describe(err error) error {
	var parse env.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	field, ok := reflect.TypeFor[settings]().FieldByName(parse.Name)
	if !ok {
		return err
	}
	return fmt.Errorf("%s is not a valid %s", field.Tag.Get("env"), kindOf(parse.Type))
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration (such as 20s)"
	case t == reflect.TypeFor[slog.Level]():
		return "level (debug, info, warn, error)"
	case t.Kind() == reflect.Int:
		return "whole number"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Bool:
		return "boolean (true or false)"
	default:
		return t.String()
	}
}

// validate checks what serve needs; the first problem is returned.
func (s *settings) validate() error {
	checks := []func() error{s.checkRequired, s.checkServers, s.checkRanges, s.checkNetwork, s.checkWebhooks, s.checkMeasures}
	for _, check := range checks {
		if err := check(); err != nil {
			return usageError{err}
		}
	}
	return nil
}

func (s *settings) checkRequired() error {
	switch {
	case s.DatabaseURL == "":
		return errors.New("DATABASE_URL is required")
	case s.RedisURL == "":
		return errors.New("REDIS_URL is required")
	}
	return s.checkIdentity()
}

func (s *settings) checkServers() error {
	for name, dsn := range map[string]string{"DATABASE_URL": s.DatabaseURL, "DATABASE_READ_URL": s.DatabaseReadURL} {
		if dsn == "" {
			continue
		}
		if _, err := pgxpool.ParseConfig(dsn); err != nil {
			return fmt.Errorf("%s is not a valid Postgres URL", name) // the parser's own text may quote it
		}
	}
	if _, err := redisOptions(s.RedisURL); err != nil {
		return err
	}
	return nil
}

func (s *settings) checkRanges() error {
	for _, r := range []struct {
		name          string
		value, lo, hi int
	}{
		{"SOCKET_PORT", s.Port, 0, 65535},
		{"SOCKET_PING_INTERVAL", s.PingInterval, 100, 3_600_000},
		{"SOCKET_PING_TIMEOUT", s.PingTimeout, 100, 3_600_000},
		{"SOCKET_MAX_HTTP_BUFFER_SIZE", s.MaxPayload, 1024, 100_000_000},
		{"SOCKET_COMPRESSION_THRESHOLD", s.CompressAbove, 0, 100_000_000},
		{"SOCKET_MAX_CONNECTIONS_PER_IP", s.MaxConnectionsPerIP, 0, 1_000_000},
		{"SOCKET_RATE_LIMIT_MESSAGES", s.RateLimitMessages, 0, 1_000_000_000},
		{"SOCKET_RATE_LIMIT_WINDOW", s.RateLimitWindow, 1, 86_400},
		{"MAX_ROOMS_PER_SOCKET", s.MaxRoomsPerSocket, 1, 100_000},
		{"RECOVERY_MAX_EVENTS", s.RecoveryMaxEvents, 1, 100_000},
		{"PRESENCE_TTL", s.PresenceTTL, 1, 86_400},
		{"PRESENCE_GRACE", s.PresenceGrace, 0, 86_400},
		{"TYPING_TTL", s.TypingTTL, 1, 3600},
		{"BATCH_WINDOW", s.BatchWindow, 1, 60_000},
		{"BATCH_SIZE", s.BatchSize, 1, 1000},
		{"MAX_MESSAGE_LENGTH", s.MaxMessageLength, 1, 1_000_000},
	} {
		if r.value < r.lo || r.value > r.hi {
			return fmt.Errorf("%s must be from %d to %d", r.name, r.lo, r.hi)
		}
	}
	if s.AccessTokenTTL < time.Second || s.AccessTokenTTL > 24*time.Hour {
		return errors.New("ACCESS_TOKEN_TTL must be from 1s to 24h")
	}
	if s.ShutdownTimeout < time.Second || s.ShutdownTimeout > time.Hour {
		return errors.New("SHUTDOWN_TIMEOUT must be from 1s to 1h")
	}
	if s.RecoveryMaxAge < time.Second || s.RecoveryMaxAge > 10_000*time.Hour {
		return errors.New("RECOVERY_MAX_AGE must be from 1s to 10000h")
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		return errors.New("LOG_FORMAT must be text or json")
	}
	return nil
}

func (s *settings) checkNetwork() error {
	if s.ListenAddr != "" {
		_, port, err := net.SplitHostPort(s.ListenAddr)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
			return errors.New("LISTEN_ADDR must be host:port, such as 127.0.0.1:3001 or :3001")
		}
	}
	if !strings.HasPrefix(s.SocketPath, "/") || strings.ContainsAny(s.SocketPath, "?#{} ") || strings.Trim(s.SocketPath, "/") == "" {
		return errors.New("SOCKET_PATH must be an absolute path such as /socket.io")
	}
	if strings.Trim(s.SocketPath, "/") == strings.Trim(plainPath, "/") {
		return errors.New("SOCKET_PATH must not be /ws, where plain WebSockets connect")
	}
	for i, origin := range s.Origins {
		s.Origins[i] = strings.TrimSuffix(origin, "/")
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || (u.Path != "" && u.Path != "/") {
			return errors.New("FRONTEND_URL must be a comma list of origins such as https://chat.example.com")
		}
	}
	for _, cidr := range s.TrustedProxies {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return errors.New("TRUSTED_PROXIES must be a comma list of CIDRs such as 10.0.0.0/8")
		}
		s.trustedProxies = append(s.trustedProxies, prefix)
	}
	return nil
}

// minTokenBytes is what METRICS_TOKEN must have.
const minTokenBytes = 16

func (s *settings) checkMeasures() error {
	if s.MetricsToken != "" && len(s.MetricsToken) < minTokenBytes {
		return errors.New("METRICS_TOKEN must have at least 16 bytes")
	}
	if s.TraceRatio < 0 || s.TraceRatio > 1 || math.IsNaN(s.TraceRatio) {
		return errors.New("OTEL_TRACES_SAMPLER_ARG must be from 0 to 1")
	}
	if s.TraceEndpoint != "" {
		u, err := url.Parse(s.TraceEndpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://localhost:4318")
		}
	}
	return nil
}

// listenAddr is where the node listens.
func (s *settings) listenAddr() string {
	if s.ListenAddr != "" {
		return s.ListenAddr
	}
	if s.demo { // everybody knows the passwords
		return fmt.Sprintf("localhost:%d", s.Port)
	}
	return fmt.Sprintf(":%d", s.Port)
}

// logger writes to w as the settings say.
func (s *settings) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// settingsHelp is the table of all settings, made from the struct itself.
func settingsHelp() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  VARIABLE\tDEFAULT\tMEANING")
	for field := range reflect.TypeFor[settings]().Fields() {
		if name := field.Tag.Get("env"); name != "" {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", name, field.Tag.Get("envDefault"), field.Tag.Get("help"))
		}
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}

// unsettledPerAddress is how many sockets of one address may be on their way in: several times those that may be
// in, since some of them will not be let in.
func (s *settings) unsettledPerAddress() int {
	if s.MaxConnectionsPerIP == 0 {
		return 0
	}
	return max(4*s.MaxConnectionsPerIP, 20)
}

// commandRate bounds what one socket may ask in a second, of whatever kind. It keeps a broken client
// from busying a node, so it is far above any real one's; a node without limits on messages has none.
func (s *settings) commandRate() int {
	if s.RateLimitMessages == 0 {
		return -1
	}
	return 1000
}
