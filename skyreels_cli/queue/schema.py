"""Tables of the queue; a migration is appended here and never changed once it has been released."""

from __future__ import annotations

# The columns of a list come first, the long JSON last: SQLite need not read what lies behind the last column it wants.
_JOBS = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
    priority INTEGER NOT NULL DEFAULT 0,
    position REAL NOT NULL,                 -- order within a priority
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    resolution TEXT NOT NULL,
    num_frames INTEGER NOT NULL,
    output TEXT NOT NULL,
    rows_done INTEGER NOT NULL DEFAULT 0,
    best_rows INTEGER NOT NULL DEFAULT 0,   -- the most rows that any attempt got done
    total_rows INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,    -- starts since the film last got further
    max_attempts INTEGER NOT NULL,
    retry_at REAL,
    owner TEXT REFERENCES workers (id) ON DELETE SET NULL,
    request TEXT CHECK (request IN ('cancel', 'pause')),
    created_at REAL NOT NULL,               -- seconds since 1970, as all times here
    started_at REAL,
    finished_at REAL,
    error_code TEXT,
    revision INTEGER NOT NULL DEFAULT 0,
    uid TEXT NOT NULL UNIQUE,               -- the same wherever the job is exported to
    model_key TEXT NOT NULL,                -- jobs with the same one can share a loaded model
    overwrite INTEGER NOT NULL DEFAULT 0,
    keep_work INTEGER NOT NULL DEFAULT 0,
    reworded INTEGER NOT NULL DEFAULT 0,    -- unfinished work on what it said before may be thrown away
    degrade INTEGER NOT NULL DEFAULT 1,     -- whether running out of memory may change the job
    output_before TEXT,                     -- which file lay there when the job first began ('' = none)
    placement TEXT NOT NULL,                -- what was said of it: device, offload, attention
    overrides TEXT NOT NULL DEFAULT '{}',   -- what running out of memory has changed so far
    degradations TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    draft TEXT NOT NULL,                    -- what was said, seed included; assets as asset:<sha256>/<name>
    progress TEXT NOT NULL DEFAULT '{}',
    result TEXT,
    recipe TEXT NOT NULL,                   -- complete, as of adding or of the last start
    plan TEXT NOT NULL
)
"""

_WORKERS = """
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    boot TEXT NOT NULL,
    pid_space TEXT NOT NULL,
    device TEXT NOT NULL,
    executor TEXT NOT NULL,
    started_at REAL NOT NULL,
    beat_at REAL NOT NULL,                  -- wall clock, for people
    beat_uptime REAL NOT NULL,              -- seconds on the clock that only goes forward, for the lease
    lease_seconds REAL NOT NULL,
    sample TEXT NOT NULL DEFAULT '{}'
)
"""

_FILMS = """
CREATE TABLE films (
    job INTEGER NOT NULL,
    finished_at REAL NOT NULL,
    prompt TEXT NOT NULL,
    output TEXT NOT NULL,
    model TEXT NOT NULL,
    dtype TEXT NOT NULL,
    resolution TEXT NOT NULL,
    frames INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    device TEXT NOT NULL,
    offload TEXT NOT NULL,
    step_seconds REAL,                      -- median
    flops_per_second REAL,
    elapsed_s REAL NOT NULL,
    peak_memory_bytes INTEGER NOT NULL
)
"""

# One number for every change of any job, so that a reader can ask for what is newer than what it has.
_COUNT_CHANGES = """
CREATE TRIGGER jobs_{event} AFTER {event} ON jobs {when} BEGIN
    UPDATE facts SET value = value + 1 WHERE name = 'revision';
    UPDATE jobs SET revision = (SELECT value FROM facts WHERE name = 'revision') WHERE id = NEW.id;
END
"""
_COUNT_REMOVALS = """
CREATE TRIGGER jobs_delete AFTER DELETE ON jobs BEGIN
    UPDATE facts SET value = value + 1 WHERE name IN ('revision', 'removals');
END
"""

# "Step" is the word everywhere for one row of the timestep matrix, "heartbeat" for a worker's sign of life.
_RENAMED_COLUMNS = (
    ("jobs", "rows_done", "steps_done"),
    ("jobs", "best_rows", "best_steps"),
    ("jobs", "total_rows", "total_steps"),
    ("films", "rows", "steps"),
    ("workers", "beat_at", "heartbeat_at"),
    ("workers", "beat_uptime", "heartbeat_uptime"),
)
_RENAMED_PROGRESS = (("row", "step"), ("rows", "steps"), ("rows_done", "steps_done"), ("total_rows", "total_steps"))
_RENAME_PROGRESS = f"""
UPDATE jobs SET progress = json_remove(
    json_set(progress, {", ".join(f"'$.{new}', json_extract(progress, '$.{old}')" for old, new in _RENAMED_PROGRESS)}),
    {", ".join(f"'$.{old}'" for old, _ in _RENAMED_PROGRESS)}
) WHERE json_extract(progress, '$.rows_done') IS NOT NULL
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        _WORKERS,
        _JOBS,
        "CREATE INDEX jobs_order ON jobs (state, priority DESC, position)",
        "CREATE INDEX jobs_revision ON jobs (revision)",
        "CREATE UNIQUE INDEX jobs_output ON jobs (output) WHERE state IN ('queued', 'running', 'paused')",
        _FILMS,
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO facts VALUES ('revision', 0), ('removals', 0), ('paused', 0)",
        _COUNT_CHANGES.format(event="INSERT", when=""),
        _COUNT_CHANGES.format(event="UPDATE", when="WHEN NEW.revision = OLD.revision"),
        _COUNT_REMOVALS,
    ),
    (
        *(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}" for table, old, new in _RENAMED_COLUMNS),
        _RENAME_PROGRESS,
    ),
    ("ALTER TABLE jobs ADD COLUMN losses INTEGER NOT NULL DEFAULT 0",),  # workers that died since it got further
    (
        "ALTER TABLE jobs ADD COLUMN after INTEGER REFERENCES jobs (id) ON DELETE SET NULL",  # starts once it succeeded
        "ALTER TABLE jobs ADD COLUMN not_before REAL",
        "ALTER TABLE workers ADD COLUMN asked_to_stop INTEGER NOT NULL DEFAULT 0",
    ),
    ("ALTER TABLE jobs ADD COLUMN group_id INTEGER",),  # the first of the jobs that were added together
)
"""Statements that lead from version n (`PRAGMA user_version`) to n + 1."""
