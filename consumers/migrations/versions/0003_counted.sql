-- What the exporter has counted from the journal: it can be made again from position 0.

-- How far each lane has been counted; moved on in the same transaction as what was counted.
create table counted_lanes (
    lane     smallint primary key references lanes,
    next_seq bigint   not null default 0
) with (fillfactor = 50);

-- Counters, gauges and the buckets of histograms: one row a series.
create table counted_values (
    name   text             not null,
    labels text[]           not null,  -- in the order of the metric's table
    value  double precision not null,
    primary key (name, labels)
) with (fillfactor = 50);

-- Running limits by whose, which and the minute they end: what is due, and what is overdue, without looking at cases.
create table counted_limits (
    unit    text        not null,
    kind    text        not null,
    due_at  timestamptz not null,
    running bigint      not null,
    primary key (unit, kind, due_at)
) with (fillfactor = 50);

-- Answers by the minute, for windows of working time; older ones than the longest window are dropped.
create table counted_answers (
    centre  text        not null,
    at      timestamptz not null,
    result  text        not null,
    answers bigint      not null,
    primary key (centre, at, result)
) with (fillfactor = 50);

-- When each unit's systems last said anything.
create table counted_units (
    unit     text        primary key,
    heard_at timestamptz not null
) with (fillfactor = 50);

-- What must be known of a case from one entry to the next.
create table counted_cases (
    case_id text  primary key,
    tracked bytea not null
) with (fillfactor = 70);
