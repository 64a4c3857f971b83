"""Domain, wire formats and plugin contracts of Midwatch.

These names are what plugins and stores may lean on; everything deeper may move.
"""

from midwatch_core.access.administering import Administration, KeyWish, MadeKey
from midwatch_core.access.asking import caller_showing, key_shown
from midwatch_core.access.audit_verifying import Verified
from midwatch_core.access.caller import LOCAL, Access, Caller, Permission
from midwatch_core.access.errors import AccessDeniedError, AdministrationError
from midwatch_core.access.hostnames import Hostnames
from midwatch_core.access.rows import audit_row, key_row, tenant_row
from midwatch_core.access.settings import TenantSettings
from midwatch_core.activity import (
    TTFT_BOUNDS_MS,
    TTFT_CLASSES,
    Activity,
    ActivityRow,
    ActivitySum,
    activity_of,
    most_calls_first,
    ttft_quantile_ms,
    ttft_sum,
)
from midwatch_core.alert_desk import AlertDesk, LinkFault, SignedLink
from midwatch_core.alert_outbox import AlertOutbox, ChannelRow, Delivery, DeliveryState
from midwatch_core.audit_chain import ChainCheck, ChainFault, chained
from midwatch_core.clock import Clock, SystemClock
from midwatch_core.config import Config, read_yaml, split_address
from midwatch_core.contributions import AsgiApp, Command, Mount, PluginHealth, Resource, ResourceKind
from midwatch_core.conversation_listing import ConversationPage, ConversationRow
from midwatch_core.conversation_rows import conversation_of
from midwatch_core.cost_rows import EXACT, CostSum, check_cost_keys, highest_first, pico
from midwatch_core.curl import curl_command
from midwatch_core.cursor import (
    decode_cursor,
    decode_finding_cursor,
    encode_cursor,
    encode_finding_cursor,
    microseconds,
    moment_of,
)
from midwatch_core.diff_telling import (
    ToldChange,
    cache_told,
    cache_usage,
    diff_document,
    diff_exchanges,
    short_json,
    told_changes,
)
from midwatch_core.engine import INJECTION, Engine, Inspection, Scan
from midwatch_core.errors import (
    BusyError,
    ConfigError,
    MidwatchError,
    PluginError,
    SchemaError,
    StorageError,
    StorageUnavailableError,
)
from midwatch_core.exact_json import dump_json, load_json
from midwatch_core.explanation import Explanation, explanation_of
from midwatch_core.finding_listing import (
    FINDING_KEYS,
    FindingCount,
    FindingFilter,
    FindingPage,
    FindingRow,
    action_on,
    check_finding_keys,
    finding_rows,
    most_findings_first,
)
from midwatch_core.forgotten import Forgotten
from midwatch_core.frame import FrameDecoder
from midwatch_core.governing.asking import (
    check_actual,
    check_amounts,
    check_demands,
    check_seconds,
    check_seed,
    most_of,
)
from midwatch_core.governing.counters import Counters
from midwatch_core.governing.meters import lifetime_us
from midwatch_core.governing.moment import Moment, moment
from midwatch_core.guarded import Guard
from midwatch_core.har import har_entry, har_head
from midwatch_core.hookspecs import hookimpl
from midwatch_core.host import Health, Host, LiveFeed, Role
from midwatch_core.ids import uuid7
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.incident_merging import merge_incidents
from midwatch_core.inference.backend import Backend
from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.drift import ScoreWindow, psi, shares_of
from midwatch_core.inference.errors import ModelError
from midwatch_core.inference.limits import ModelLimits
from midwatch_core.inference.model_process import ModelProcess
from midwatch_core.inference.numbers import METRICS as MODEL_METRICS
from midwatch_core.inference.numbers import ModelNumbers
from midwatch_core.inference.state import ModelState
from midwatch_core.inference.windows import Windows, windows_of
from midwatch_core.installation import Installation
from midwatch_core.intake import (
    MAX_BATCH,
    Intake,
    IntakeError,
    IntakeFullError,
    PlainCall,
    PlainText,
    ToldCall,
    Whose,
    WireCall,
)
from midwatch_core.listing import ExchangeRow, row_of
from midwatch_core.metering import MOST, SLOTS, Admission, Allowance, Bucket, Concurrency, Demand, Meter, Window
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec, Sample, summed
from midwatch_core.model.alert import Alert
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.content import (
    FinishReason,
    Json,
    Operation,
    ProviderError,
    Request,
    Response,
    ToolCall,
    ToolResult,
)
from midwatch_core.model.cost import Cost, CostBasis, CostLine
from midwatch_core.model.detection import Classified, Detection, TextVote, Vote, Weighed
from midwatch_core.model.document import PolicyVersion, Report, ReportState
from midwatch_core.model.exchange import Endpoint, Exchange, Transport
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.incident import Incident, IncidentChange, IncidentState
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.model.stream import StreamEvent, StreamKind
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.model.timing import Gaps, Timing
from midwatch_core.model.triage import MOST_JUDGED, Triage, TriageState
from midwatch_core.model.usage import Usage
from midwatch_core.own_environ import led, led_by
from midwatch_core.own_requests import Way, way_to
from midwatch_core.policy import Decision, Policy, PolicyError, Subject
from midwatch_core.policy_desk import PolicyCheck, PolicyDesk, PolicyDeskError, PolicyStanding, Simulation
from midwatch_core.policy_editing import exception_yaml, line_ruling, with_exception
from midwatch_core.policy_file import PolicyFile, PolicyLine, When, read_policy
from midwatch_core.ports import (
    COST_KEYS,
    CacheLayer,
    CostRow,
    ExchangeFilter,
    ImmediateMeters,
    MetadataRepository,
    Migrations,
    Page,
    SchemaState,
    Scope,
    TraceRepository,
)
from midwatch_core.queries import Queries
from midwatch_core.rebuilding import body_text, request_body, response_body
from midwatch_core.report_desk import Rendered, ReportDesk, ReportError, ReportKind, ReportOrder
from midwatch_core.report_rows import kind_row, report_row
from midwatch_core.request_diff import Kind, RequestDiff
from midwatch_core.rulepack import Pack, Prefilter, Presence, RulePackError, RuleSet, load_pack
from midwatch_core.scanning import MAX_SCAN_CHARACTERS, MAX_SCAN_TEXTS, Scanned, Scanner
from midwatch_core.secret_text import has_secret, resolve_secrets
from midwatch_core.section import Section
from midwatch_core.sighting_rows import sighting_of, sighting_row
from midwatch_core.sighting_sums import sum_sightings
from midwatch_core.simulating import Change
from midwatch_core.text_search import text_finder
from midwatch_core.threads.outline import Outline, TraceLine
from midwatch_core.tool_spans import read_spans, write_spans
from midwatch_core.triaging import MAX_NOTE, Triaging
from midwatch_core.views import Text, View
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.catalogue import CatalogueSpec, ProviderSpec, RouteSpec
from midwatch_core.wire.decoding import DecodedRequest, decode_document
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialect import Answer, BodyReader, CallDialect, Dialect, HeadReader, Refusal, StreamReader
from midwatch_core.wire.editing.slot import Reading, Slot, StreamMap
from midwatch_core.wire.node import Node
from midwatch_core.wire.socket import NOTHING_HEARD, NOTHING_SAID, Heard, Said, SocketDialect, SocketReader
from midwatch_core.wire.target import Target

__all__ = [
    "COST_KEYS",
    "EXACT",
    "FINDING_KEYS",
    "INJECTION",
    "LOCAL",
    "MAX_BATCH",
    "MAX_NOTE",
    "MAX_SCAN_CHARACTERS",
    "MAX_SCAN_TEXTS",
    "MODEL_METRICS",
    "MOST",
    "MOST_JUDGED",
    "NOTHING_HEARD",
    "NOTHING_SAID",
    "SLOTS",
    "TTFT_BOUNDS_MS",
    "TTFT_CLASSES",
    "Access",
    "AccessDeniedError",
    "AccessRole",
    "Action",
    "Activity",
    "ActivityRow",
    "ActivitySum",
    "Administration",
    "AdministrationError",
    "Admission",
    "Alert",
    "AlertDesk",
    "AlertOutbox",
    "Allowance",
    "Answer",
    "ApiKey",
    "AsgiApp",
    "Assembly",
    "AuditEntry",
    "AuditRecord",
    "Backend",
    "BodyReader",
    "Bucket",
    "BusyError",
    "CacheLayer",
    "CallDialect",
    "Caller",
    "CatalogueSpec",
    "ChainCheck",
    "ChainFault",
    "Change",
    "ChannelRow",
    "Classified",
    "Clock",
    "Command",
    "Concurrency",
    "Config",
    "ConfigError",
    "ConversationPage",
    "ConversationRow",
    "Cost",
    "CostBasis",
    "CostLine",
    "CostRow",
    "CostSum",
    "Counters",
    "Decision",
    "DecodedRequest",
    "DecompressionError",
    "Delivery",
    "DeliveryState",
    "Demand",
    "Detection",
    "Dialect",
    "Direction",
    "Endpoint",
    "Engine",
    "Exchange",
    "ExchangeFilter",
    "ExchangeRow",
    "Explanation",
    "Finding",
    "FindingCount",
    "FindingFilter",
    "FindingPage",
    "FindingRow",
    "FinishReason",
    "Forgotten",
    "FrameDecoder",
    "Gaps",
    "Guard",
    "HeadReader",
    "Health",
    "Heard",
    "Host",
    "Hostnames",
    "Identity",
    "ImmediateMeters",
    "Incident",
    "IncidentChange",
    "IncidentFilter",
    "IncidentPage",
    "IncidentState",
    "Inspection",
    "Installation",
    "Intake",
    "IntakeError",
    "IntakeFullError",
    "Json",
    "KeyWish",
    "Kind",
    "LinkFault",
    "LinkedBy",
    "LiveFeed",
    "MadeKey",
    "MetadataRepository",
    "Meter",
    "MetricKind",
    "MetricSpec",
    "Metrics",
    "MidwatchError",
    "Migrations",
    "ModelCard",
    "ModelError",
    "ModelLimits",
    "ModelNumbers",
    "ModelProcess",
    "ModelState",
    "Moment",
    "Mount",
    "Node",
    "Operation",
    "Outline",
    "Pack",
    "Page",
    "Part",
    "Permission",
    "PlainCall",
    "PlainText",
    "PluginError",
    "PluginHealth",
    "Policy",
    "PolicyCheck",
    "PolicyDesk",
    "PolicyDeskError",
    "PolicyError",
    "PolicyFile",
    "PolicyLine",
    "PolicyStanding",
    "PolicyVersion",
    "Prefilter",
    "Presence",
    "ProviderError",
    "ProviderSpec",
    "Queries",
    "Reading",
    "Refusal",
    "Rendered",
    "Report",
    "ReportDesk",
    "ReportError",
    "ReportKind",
    "ReportOrder",
    "ReportState",
    "Request",
    "RequestDiff",
    "Resource",
    "ResourceKind",
    "Response",
    "Role",
    "RouteSpec",
    "RulePackError",
    "RuleSet",
    "Said",
    "Sample",
    "Scan",
    "Scanned",
    "Scanner",
    "SchemaError",
    "SchemaState",
    "Scope",
    "ScoreWindow",
    "Section",
    "Seen",
    "Segment",
    "Severity",
    "Sighting",
    "SignedLink",
    "Simulation",
    "Slot",
    "SocketDialect",
    "SocketReader",
    "StorageError",
    "StorageUnavailableError",
    "StreamEvent",
    "StreamKind",
    "StreamMap",
    "StreamReader",
    "Subject",
    "SystemClock",
    "Target",
    "Tenant",
    "TenantSettings",
    "Text",
    "TextVote",
    "Thread",
    "Timing",
    "ToldCall",
    "ToldChange",
    "ToolCall",
    "ToolResult",
    "ToolSpan",
    "TraceLine",
    "TraceRepository",
    "Transport",
    "Triage",
    "TriageState",
    "Triaging",
    "Turn",
    "Usage",
    "Verdict",
    "Verified",
    "View",
    "Vote",
    "Way",
    "Weighed",
    "When",
    "Whose",
    "Window",
    "Windows",
    "WireCall",
    "action_on",
    "activity_of",
    "audit_row",
    "body_text",
    "cache_told",
    "cache_usage",
    "caller_showing",
    "chained",
    "check_actual",
    "check_amounts",
    "check_cost_keys",
    "check_demands",
    "check_finding_keys",
    "check_seconds",
    "check_seed",
    "conversation_of",
    "curl_command",
    "decode_cursor",
    "decode_document",
    "decode_finding_cursor",
    "decompressor_for",
    "diff_document",
    "diff_exchanges",
    "dump_json",
    "encode_cursor",
    "encode_finding_cursor",
    "exception_yaml",
    "explanation_of",
    "finding_rows",
    "har_entry",
    "har_head",
    "has_secret",
    "highest_first",
    "hookimpl",
    "key_row",
    "key_shown",
    "kind_row",
    "led",
    "led_by",
    "lifetime_us",
    "line_ruling",
    "load_json",
    "load_pack",
    "merge_incidents",
    "microseconds",
    "moment",
    "moment_of",
    "most_calls_first",
    "most_findings_first",
    "most_of",
    "pico",
    "psi",
    "read_policy",
    "read_spans",
    "read_yaml",
    "report_row",
    "request_body",
    "resolve_secrets",
    "response_body",
    "row_of",
    "shares_of",
    "short_json",
    "sighting_of",
    "sighting_row",
    "split_address",
    "sum_sightings",
    "summed",
    "tenant_row",
    "text_finder",
    "told_changes",
    "ttft_quantile_ms",
    "ttft_sum",
    "uuid7",
    "way_to",
    "windows_of",
    "with_exception",
    "write_spans",
]
