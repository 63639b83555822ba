-- A queue of schema version 1 with a finished, a running and a queued job, as the program of that version wrote it.
BEGIN TRANSACTION;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "facts" VALUES('paused',0);
INSERT INTO "facts" VALUES('removals',0);
INSERT INTO "facts" VALUES('revision',9);
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
);
INSERT INTO "films" VALUES(1,100.0,'a ball','/a.mp4','df','bfloat16','80x48',97,30,'cuda:0','none',1.5,400000000000000.0,50.0,10000000000);
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
);
INSERT INTO "jobs" VALUES(1,'succeeded',0,1.0,'a a ball','fake','80x48',97,'/films/a.mp4',2,2,6,1,3,NULL,NULL,NULL,1795302840.0,1795302840.0,1795302840.0,NULL,7,'2a573c58279e425ba399ab4de646e55f','["fake", "bfloat16", [], null, null, null]',0,0,0,1,NULL,'{}','{}','[]',NULL,'{"schema": 1, "prompt": "a a ball", "seed": 7, "options": {"fake": {}}}','{"stage": "", "window": 0, "windows": 2, "first_frame": 0, "new_frames": 49, "prompt": "a ball", "row": 2, "rows": 3, "noise": [0.5, 1.0], "frames": 0, "total_frames": 97, "rows_done": 2, "total_rows": 6, "peak_memory_bytes": 1000000000, "step_seconds": 2.0, "seconds_left": 6.0, "elapsed_s": 7.0, "memory": [], "windows_done": []}','{"elapsed_s": 1.0, "peak_memory_bytes": 1000000000}','{"negative_prompt": "", "model": "fake", "resolution": "80x48", "num_frames": 97, "base_num_frames": 97, "dtype": "bfloat16", "schema": 1, "prompt": "a a ball", "seed": 7, "options": {"fake": {}}}','{"frames": 97, "fps": 24, "duration_s": 4.041666666666667, "total_rows": 6, "windows": [{"rows": 3}, {"rows": 3}], "estimates": {}, "family": "df", "denoise_flops": 1000000000000.0, "device": "cuda:0"}');
INSERT INTO "jobs" VALUES(2,'running',0,2.0,'a b ball','fake','80x48',97,'/films/b.mp4',2,2,6,1,3,NULL,'52e733f4ac8f406b8ac141c598cc63a2',NULL,1795302840.0,1795302840.0,NULL,NULL,9,'0cf9ce30b6f340e3afc13bc697daaa2a','["fake", "bfloat16", [], null, null, null]',0,0,0,1,NULL,'{}','{}','[]',NULL,'{"schema": 1, "prompt": "a b ball", "seed": 7, "options": {"fake": {}}}','{"stage": "", "window": 0, "windows": 2, "first_frame": 0, "new_frames": 49, "prompt": "a ball", "row": 2, "rows": 3, "noise": [0.5, 1.0], "frames": 0, "total_frames": 97, "rows_done": 2, "total_rows": 6, "peak_memory_bytes": 1000000000, "step_seconds": 2.0, "seconds_left": 7.0, "elapsed_s": 5.0, "memory": [], "windows_done": []}',NULL,'{"negative_prompt": "", "model": "fake", "resolution": "80x48", "num_frames": 97, "base_num_frames": 97, "dtype": "bfloat16", "schema": 1, "prompt": "a b ball", "seed": 7, "options": {"fake": {}}}','{"frames": 97, "fps": 24, "duration_s": 4.041666666666667, "total_rows": 6, "windows": [{"rows": 3}, {"rows": 3}], "estimates": {}, "family": "df", "denoise_flops": 1000000000000.0, "device": "cuda:0"}');
INSERT INTO "jobs" VALUES(3,'queued',0,3.0,'a c ball','fake','80x48',97,'/films/c.mp4',0,0,6,0,3,NULL,NULL,NULL,1795302840.0,NULL,NULL,NULL,3,'3d6e660fe7b248b3aa1580fc9b5c2418','["fake", "bfloat16", [], null, null, null]',0,0,0,1,NULL,'{}','{}','[]',NULL,'{"schema": 1, "prompt": "a c ball", "seed": 7, "options": {"fake": {}}}','{}',NULL,'{"negative_prompt": "", "model": "fake", "resolution": "80x48", "num_frames": 97, "base_num_frames": 97, "dtype": "bfloat16", "schema": 1, "prompt": "a c ball", "seed": 7, "options": {"fake": {}}}','{"frames": 97, "fps": 24, "duration_s": 4.041666666666667, "total_rows": 6, "windows": [{"rows": 3}, {"rows": 3}], "estimates": {}, "family": "df", "denoise_flops": 1000000000000.0, "device": "cuda:0"}');
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
);
INSERT INTO "workers" VALUES('52e733f4ac8f406b8ac141c598cc63a2','old',4711,'1','an earlier boot','pid:[1]','cuda:0','local',1795302840.0,1795302840.0,1000.0,30.0,'{"gpus": []}');
CREATE INDEX jobs_order ON jobs (state, priority DESC, position);
CREATE INDEX jobs_revision ON jobs (revision);
CREATE UNIQUE INDEX jobs_output ON jobs (output) WHERE state IN ('queued', 'running', 'paused');
CREATE TRIGGER jobs_INSERT AFTER INSERT ON jobs  BEGIN
    UPDATE facts SET value = value + 1 WHERE name = 'revision';
    UPDATE jobs SET revision = (SELECT value FROM facts WHERE name = 'revision') WHERE id = NEW.id;
END;
CREATE TRIGGER jobs_UPDATE AFTER UPDATE ON jobs WHEN NEW.revision = OLD.revision BEGIN
    UPDATE facts SET value = value + 1 WHERE name = 'revision';
    UPDATE jobs SET revision = (SELECT value FROM facts WHERE name = 'revision') WHERE id = NEW.id;
END;
CREATE TRIGGER jobs_delete AFTER DELETE ON jobs BEGIN
    UPDATE facts SET value = value + 1 WHERE name IN ('revision', 'removals');
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',3);
COMMIT;
PRAGMA user_version=1;
