-- Made from the migrations: python -m midwatch_sql.migrations.drawing
CREATE TABLE metadata_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT metadata_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE settings (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE tenants (
	name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	networks TEXT NOT NULL, 
	provider_keys TEXT NOT NULL, 
	certificates TEXT NOT NULL, 
	retention_days FLOAT, 
	PRIMARY KEY (name)
);
CREATE TABLE api_keys (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	role TEXT NOT NULL, 
	tenant TEXT, 
	created_at BIGINT NOT NULL, 
	label TEXT NOT NULL, 
	agent TEXT, 
	expires_at BIGINT, 
	revoked_at BIGINT, 
	PRIMARY KEY (id)
);
CREATE TABLE policies (
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	author TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (name, version)
);
CREATE TABLE audit_entries (
	number INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	details TEXT NOT NULL, 
	tenant TEXT, 
	previous TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE INDEX audit_entries_by_tenant ON audit_entries (tenant, number);
CREATE TABLE sightings (
	alike TEXT NOT NULL, 
	host TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	seen TEXT NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	provider TEXT, 
	known BOOLEAN NOT NULL, 
	client TEXT, 
	app TEXT, 
	user_agent TEXT, 
	process TEXT, 
	container TEXT, 
	connections BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	PRIMARY KEY (alike)
);
CREATE INDEX sightings_by_end ON sightings (last_at);
CREATE INDEX sightings_by_tenant ON sightings (tenant, last_at);
CREATE TABLE triage (
	finding_id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	state TEXT NOT NULL, 
	judge TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (finding_id)
);
CREATE INDEX triage_by_moment ON triage (at);
CREATE INDEX triage_by_tenant ON triage (tenant, at);
CREATE TABLE reports (
	id TEXT NOT NULL, 
	tenant TEXT, 
	kind TEXT NOT NULL, 
	title TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	media_type TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since BIGINT, 
	until BIGINT, 
	problem TEXT, 
	body BLOB NOT NULL, 
	CONSTRAINT reports_0004_key PRIMARY KEY (id)
);
CREATE INDEX reports_by_creation ON reports (created_at);
CREATE INDEX reports_by_tenant ON reports (tenant, created_at);
CREATE TABLE incidents (
	id TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	tenant TEXT, 
	category TEXT NOT NULL, 
	severity BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	began_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	acknowledged_at BIGINT, 
	acknowledged_by TEXT, 
	resolved_at BIGINT, 
	details TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX incidents_by_beginning ON incidents (began_at, id);
CREATE INDEX incidents_by_end ON incidents (resolved_at, began_at, id);
CREATE INDEX incidents_by_tenant ON incidents (tenant, began_at, id);
CREATE INDEX incidents_by_fingerprint ON incidents (fingerprint, began_at, id);
INSERT INTO metadata_version (version_num) VALUES ('metadata_0005');
