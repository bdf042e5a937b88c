"""The views of a journeyflow database: names and ISO instants, for people who read it in SQL."""


def _iso(column: str) -> str:
    """Return the SQL that shows a column of microseconds as ISO 8601 text."""
    whole = f"(({column}) - ((({column}) % 1000000) + 1000000) % 1000000)"
    return (
        f"strftime('%Y-%m-%dT%H:%M:%S', {whole} / 1000000, 'unixepoch')"
        f" || printf('.%06dZ', ((({column}) % 1000000) + 1000000) % 1000000)"
    )


MESSAGE_ID = """(SELECT value FROM meta WHERE name = 'nonce' || ifnull('.' || nullif(m.nonce, 0), ''))
       || '-' || m.enrollment || '-' || m.n"""
"""The SQL of the id of a message m (R70); a renewed nonce is stored beside the first one, under its number."""

VISITS = """SELECT m.enrollment, max(m.visit, 1) + CAST(s.key AS INTEGER) AS n, json_extract(s.value, '$[0]') AS step,
       json_extract(s.value, '$[1]') AS status, json_extract(s.value, '$[2]') AS outcome,
       CASE WHEN CAST(s.key AS INTEGER) = 0 AND m.visit > 0
            THEN (SELECT p.at FROM moves p WHERE p.enrollment = m.enrollment AND p.visit < m.visit
                  ORDER BY p.visit DESC LIMIT 1)
            ELSE m.at END AS entered,
       CASE WHEN json_extract(s.value, '$[1]') = 'ACTIVE' THEN NULL ELSE m.at END AS left
FROM moves m
JOIN enrollments e ON e.serial = m.enrollment
LEFT JOIN paths p ON p.number = m.path
JOIN json_each(ifnull(m.steps, p.steps)) s ON TRUE
WHERE json_extract(s.value, '$[1]') <> 'ACTIVE'
   OR (e.status = 'ACTIVE' AND e.visit = max(m.visit, 1) + CAST(s.key AS INTEGER))"""
"""The moves expanded to visits. With `trusted_schema` off, as it should be for files of unknown origin, SQLite runs no
JSON functions in a view of the file; so the engine includes this in its own queries."""

VIEWS = f"""
CREATE VIEW enrollments_view AS
SELECT e.serial, c.tenant, j.id AS journey, v.version, c.id AS customer, e.key, e.run, e.status, e.reason,
       {_iso("e.entered_at")} AS entered_at, {_iso("e.ended_at")} AS ended_at, {_iso("e.converted_at")} AS converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END AS step,
       {_iso("e.due")} AS due, e.awaits, e.trigger_data
FROM enrollments e
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = e.version;

CREATE VIEW visits AS
{VISITS};

CREATE VIEW visits_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, w.n, w.step, w.status,
       {_iso("w.entered")} AS entered_at, {_iso("w.left")} AS left_at, w.outcome, e.key
FROM visits w
JOIN enrollments e ON e.serial = w.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW messages_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.n, m.step, m.channel, m.template,
       {_iso("m.at")} AS at, m.status, m.attempts, m.data,
       {MESSAGE_ID} AS id,
       e.key, m.domain, {_iso("m.available_at")} AS available_at, {_iso("m.lease_until")} AS lease_until,
       {_iso("m.expires_at")} AS expires_at, m.error
FROM messages m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW engagement_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.n, m.step, f.key AS kind,
       {_iso("CAST(json_extract(f.value, '$[0]') AS INTEGER)")} AS first_at,
       CAST(json_extract(f.value, '$[1]') AS INTEGER) AS count,
       m.channel
FROM messages m
JOIN json_each(m.flags) f ON TRUE
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW inputs_view AS
SELECT seq, tenant, customer, kind, type, {_iso("at")} AS at, id, data, ifnull(outcome, 'pending') AS outcome
FROM inputs;

CREATE VIEW policies_view AS
SELECT tenant, n, {_iso("at")} AS at, definition FROM policies;

CREATE VIEW journeys_view AS
SELECT j.tenant, j.id,
       ifnull((SELECT state FROM transitions t WHERE t.journey = j.number ORDER BY n DESC LIMIT 1), 'DRAFT') AS state,
       (SELECT v.version FROM publications p JOIN versions v ON v.number = p.version
        WHERE p.journey = j.number ORDER BY p.n DESC LIMIT 1) AS version,
       ifnull(e.enrolled, 0) AS enrolled, ifnull(e.active, 0) AS active, ifnull(e.completed, 0) AS completed,
       ifnull(e.exited, 0) AS exited, ifnull(e.failed, 0) AS failed, ifnull(e.holdout, 0) AS holdout
FROM journeys j
LEFT JOIN (
    SELECT journey, sum(total) FILTER (WHERE what = 'entered') AS enrolled,
           sum(CASE what WHEN 'entered' THEN total WHEN 'holdout' THEN 0 ELSE -total END) AS active,
           sum(total) FILTER (WHERE what = 'completed') AS completed,
           sum(total) FILTER (WHERE what = 'exited') AS exited,
           sum(total) FILTER (WHERE what = 'failed') AS failed,
           sum(total) FILTER (WHERE what = 'holdout') AS holdout
    FROM counters WHERE day = '*' AND domain = '*' AND step = ''
      AND what IN ('entered', 'completed', 'exited', 'failed', 'holdout') GROUP BY journey
) e ON e.journey = j.number;

CREATE VIEW versions_view AS
SELECT j.tenant, j.id AS journey, v.version, {_iso("v.published_at")} AS published_at,
       json_extract(v.definition, '$.name') AS name, json_extract(v.definition, '$.trigger.event') AS trigger,
       json_array_length(v.definition, '$.steps') AS steps, v.definition
FROM versions v
JOIN journeys j ON j.number = v.journey;

CREATE VIEW steps_view AS
SELECT j.tenant, j.id AS journey, v.version, CAST(s.key AS INTEGER) + 1 AS number,
       json_extract(s.value, '$.id') AS step, json_extract(s.value, '$.kind') AS kind,
       json_extract(s.value, '$.channel') AS channel, json_extract(s.value, '$.template') AS template,
       json_extract(s.value, '$.next') AS next, s.value AS definition
FROM versions v
JOIN journeys j ON j.number = v.journey
JOIN json_each(v.definition, '$.steps') s ON TRUE;

CREATE VIEW transitions_view AS
SELECT j.tenant, j.id AS journey, t.n, {_iso("t.at")} AS at, t.state
FROM transitions t
JOIN journeys j ON j.number = t.journey;

CREATE VIEW publications_view AS
SELECT j.tenant, j.id AS journey, p.n, {_iso("p.at")} AS at, v.version
FROM publications p
JOIN journeys j ON j.number = p.journey
JOIN versions v ON v.number = p.version;

CREATE VIEW flags_view AS
SELECT j.tenant, j.id AS journey, f.n, {_iso("f.at")} AS at, f.step, f.published
FROM flags f
JOIN journeys j ON j.number = f.journey;

CREATE VIEW holds_view AS
SELECT tenant, n, {_iso("at")} AS at, channel, held FROM holds;

CREATE VIEW suppressions_view AS
SELECT tenant, kind, {_iso("before")} AS before, hash FROM suppressions;

CREATE VIEW deferred_view AS
SELECT j.tenant, j.id AS journey, c.id AS customer, d.key, {_iso("d.at")} AS at, d.trigger_data
FROM deferred d
JOIN journeys j ON j.number = d.journey
JOIN customers c ON c.number = d.customer;

CREATE VIEW exports_view AS
SELECT tenant, number AS id, module, status, options, {_iso("submitted_at")} AS submitted_at,
       {_iso("started_at")} AS started_at, {_iso("finished_at")} AS finished_at, {_iso("expires_at")} AS expires_at,
       length(content) AS size, error
FROM exports;

CREATE VIEW customers_view AS
SELECT c.tenant, c.id, (SELECT count(*) FROM enrollments e WHERE e.customer = c.number) AS enrollments, c.attributes
FROM customers c;

CREATE VIEW list_members_view AS
SELECT m.tenant, m.list, m.customer, c.attributes
FROM list_members m
LEFT JOIN customers c ON c.tenant = m.tenant AND c.id = m.customer;

CREATE VIEW moves_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.visit, {_iso("m.at")} AS at,
       ifnull(m.steps, p.steps) AS steps, m.seen
FROM moves m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
LEFT JOIN paths p ON p.number = m.path;

CREATE VIEW refusals_view AS
SELECT j.tenant, j.id AS journey, r.day, r.reason, r.count
FROM refusals r
JOIN journeys j ON j.number = r.journey;

CREATE VIEW last_refusals_view AS
SELECT j.tenant, j.id AS journey, c.id AS customer, r.reason, {_iso("r.at")} AS at, r.seen
FROM last_refusals r
JOIN customers c ON c.number = r.customer
JOIN journeys j ON j.number = r.journey;

CREATE VIEW pulls_view AS
SELECT j.tenant, j.id AS journey, {_iso("p.at")} AS last_at, p.after, {_iso("t.due")} AS next_at
FROM pulls p
JOIN journeys j ON j.number = p.journey
LEFT JOIN journey_timers t ON t.journey = p.journey AND t.which = 1;

CREATE VIEW counters_view AS
SELECT j.tenant, j.id AS journey, k.day, k.domain, k.step, k.what, k.label, k.total, k.uniques,
       {_iso("k.last_at")} AS last_at
FROM counters k
JOIN journeys j ON j.number = k.journey;

CREATE VIEW openings_view AS
SELECT j.tenant, j.id AS journey, k.day, k.domain, k.step, k.what, k.label, k.total, k.uniques,
       {_iso("k.last_at")} AS last_at
FROM openings k
JOIN journeys j ON j.number = k.journey;

CREATE VIEW arms_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, v.version, a.step, a.label
FROM arms a
JOIN enrollments e ON e.serial = a.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = a.version;
"""
