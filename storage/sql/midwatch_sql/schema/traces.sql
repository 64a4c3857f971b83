-- Made from the migrations: python -m midwatch_sql.migrations.drawing
CREATE TABLE traces_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT traces_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE exchanges (
	id TEXT NOT NULL, 
	trace_id TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	agent TEXT, 
	app TEXT, 
	client TEXT, 
	provider TEXT NOT NULL, 
	dialect TEXT NOT NULL, 
	transport TEXT NOT NULL, 
	host TEXT NOT NULL, 
	model TEXT, 
	operation TEXT NOT NULL, 
	status BIGINT, 
	streamed BOOLEAN NOT NULL, 
	input_tokens BIGINT, 
	output_tokens BIGINT, 
	cache_read_tokens BIGINT, 
	cache_write_tokens BIGINT, 
	reasoning_tokens BIGINT, 
	cost_usd TEXT, 
	cost_reason TEXT, 
	ttft_ms FLOAT, 
	duration_ms FLOAT, 
	finish_reason TEXT, 
	tools_called TEXT NOT NULL, 
	findings TEXT NOT NULL, 
	action TEXT NOT NULL, 
	decode_error TEXT, 
	response_model TEXT, 
	error TEXT, 
	cost_pico BIGINT, 
	detail BLOB NOT NULL, key_id TEXT, user TEXT, group_id BIGINT DEFAULT '0' NOT NULL, cost_basis TEXT, session TEXT, turn TEXT, linked_by TEXT, parent_id TEXT, tool_spans TEXT, failed BOOLEAN DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX exchanges_by_trace ON exchanges (trace_id, started_at);
CREATE TABLE pieces (
	tenant TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	kind BIGINT NOT NULL, 
	uses BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (tenant, hash)
);
CREATE TABLE cost_groups (
	id INTEGER NOT NULL, 
	level BIGINT NOT NULL, 
	tenant TEXT, 
	provider TEXT, 
	model TEXT, 
	app TEXT, 
	agent TEXT, 
	key_id TEXT, 
	user TEXT, 
	client TEXT, 
	status BIGINT, 
	calls BIGINT NOT NULL, cost_basis TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE cost_hours (
	group_id INTEGER NOT NULL, 
	hour INTEGER NOT NULL, 
	calls BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cost_micro BIGINT NOT NULL, 
	cost_rest BIGINT NOT NULL, 
	unpriced BIGINT NOT NULL, errors BIGINT DEFAULT '0' NOT NULL, refused BIGINT DEFAULT '0' NOT NULL, flagged BIGINT DEFAULT '0' NOT NULL, t0 BIGINT DEFAULT '0' NOT NULL, t1 BIGINT DEFAULT '0' NOT NULL, t2 BIGINT DEFAULT '0' NOT NULL, t3 BIGINT DEFAULT '0' NOT NULL, t4 BIGINT DEFAULT '0' NOT NULL, t5 BIGINT DEFAULT '0' NOT NULL, t6 BIGINT DEFAULT '0' NOT NULL, t7 BIGINT DEFAULT '0' NOT NULL, t8 BIGINT DEFAULT '0' NOT NULL, t9 BIGINT DEFAULT '0' NOT NULL, t10 BIGINT DEFAULT '0' NOT NULL, t11 BIGINT DEFAULT '0' NOT NULL, t12 BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (group_id, hour)
)
 WITHOUT ROWID;
CREATE TABLE cost_days (
	group_id INTEGER NOT NULL, 
	day INTEGER NOT NULL, 
	calls BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cost_micro BIGINT NOT NULL, 
	cost_rest BIGINT NOT NULL, 
	unpriced BIGINT NOT NULL, errors BIGINT DEFAULT '0' NOT NULL, refused BIGINT DEFAULT '0' NOT NULL, flagged BIGINT DEFAULT '0' NOT NULL, t0 BIGINT DEFAULT '0' NOT NULL, t1 BIGINT DEFAULT '0' NOT NULL, t2 BIGINT DEFAULT '0' NOT NULL, t3 BIGINT DEFAULT '0' NOT NULL, t4 BIGINT DEFAULT '0' NOT NULL, t5 BIGINT DEFAULT '0' NOT NULL, t6 BIGINT DEFAULT '0' NOT NULL, t7 BIGINT DEFAULT '0' NOT NULL, t8 BIGINT DEFAULT '0' NOT NULL, t9 BIGINT DEFAULT '0' NOT NULL, t10 BIGINT DEFAULT '0' NOT NULL, t11 BIGINT DEFAULT '0' NOT NULL, t12 BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (group_id, day)
)
 WITHOUT ROWID;
CREATE INDEX cost_groups_by_value ON cost_groups (user, client, key_id, agent, tenant, model);
CREATE INDEX cost_groups_by_key ON cost_groups (key_id);
CREATE INDEX cost_groups_by_client ON cost_groups (client);
CREATE INDEX exchanges_by_start ON exchanges (started_at, id, group_id);
CREATE INDEX exchanges_by_group ON exchanges (group_id, started_at, id);
CREATE INDEX exchanges_of_fine_cost ON exchanges (started_at) WHERE cost_usd IS NOT NULL AND cost_pico IS NULL;
CREATE INDEX exchanges_by_session ON exchanges (session, started_at) WHERE session IS NOT NULL;
CREATE TABLE conversations (
	trace_id TEXT NOT NULL, 
	group_id INTEGER NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	last_id TEXT NOT NULL, 
	calls BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cost_micro BIGINT NOT NULL, 
	cost_rest BIGINT NOT NULL, 
	unpriced BIGINT NOT NULL, 
	errors BIGINT NOT NULL, 
	flagged BIGINT NOT NULL, 
	PRIMARY KEY (trace_id, group_id)
)
 WITHOUT ROWID;
CREATE INDEX conversations_by_end ON conversations (last_at, last_id, first_at);
CREATE INDEX conversations_by_group ON conversations (group_id, last_at, last_id, first_at);
CREATE TABLE findings (
	exchange_id TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	category TEXT NOT NULL, 
	severity BIGINT NOT NULL, 
	plugin TEXT NOT NULL, 
	action TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	model TEXT, 
	app TEXT, 
	agent TEXT, 
	owasp TEXT NOT NULL, 
	confidence FLOAT NOT NULL, 
	part TEXT, 
	start BIGINT, 
	"end" BIGINT, 
	direction TEXT NOT NULL, 
	path TEXT, 
	message TEXT NOT NULL, 
	evidence TEXT, 
	trace_id TEXT NOT NULL, 
	PRIMARY KEY (exchange_id, place)
)
 WITHOUT ROWID;
CREATE TABLE finding_days (
	day INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	category TEXT NOT NULL, 
	severity INTEGER NOT NULL, 
	plugin TEXT NOT NULL, 
	action TEXT NOT NULL, 
	findings BIGINT NOT NULL, 
	PRIMARY KEY (day, tenant, rule, category, severity, plugin, action)
)
 WITHOUT ROWID;
CREATE INDEX findings_by_start ON findings (started_at, exchange_id, place, severity, category, rule, tenant, plugin, action, provider, model, app, agent);
CREATE INDEX findings_by_id ON findings (id);
INSERT INTO traces_version (version_num) VALUES ('traces_0004');
