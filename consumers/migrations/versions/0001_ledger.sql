-- The ledger: what the desk knows, and what the relay still has to say.

-- One row a lane (partition of case.commands): its writer's epoch, and how far it has come.
create table lanes (
    lane        smallint    primary key,
    epoch       bigint      not null default 0,  -- raised by each desk that takes the lane
    relay_epoch bigint      not null default 0,  -- raised by each relay that takes the lane
    next_offset bigint      not null default 0,  -- the only offset of case.commands it accepts next
    next_seq    bigint      not null default 0,  -- of its next journal entry
    last_hash   bytea       not null default decode(repeat('00', 32), 'hex'),
    clock       timestamptz not null default 'epoch'  -- never backward
) with (fillfactor = 10);

-- The truth. Append-only, gapless per lane, hash-chained over the stored bytes.
create table journal (
    lane        smallint    not null references lanes,
    seq         bigint      not null,
    kind        text        not null,
    case_id     text,
    version     integer,
    recorded_at timestamptz not null,
    body        bytea       not null,
    hash        bytea       not null,
    primary key (lane, seq)
);
create unique index journal_case_version on journal (case_id, version) where version is not null;
create index journal_rejections on journal (recorded_at) where kind in ('rejected', 'dead_letter', 'quarantined');

create function journal_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only: % is refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger journal_append_only before update or delete on journal for each row execute function journal_is_append_only();
create trigger journal_no_truncate before truncate on journal for each statement execute function journal_is_append_only();

-- Each case as its facts have made it; can be made again from the journal.
create table cases (
    case_id       text        primary key,
    lane          smallint    not null references lanes,
    version       integer     not null,
    org_code      text        not null,
    centre        text        not null,
    stage         text        not null,
    outcome       text,
    headless      boolean     not null,
    task_code     text        not null,
    situation     text,
    ground_code   text,
    opened_at     timestamptz not null,
    closed_at     timestamptz,
    next_timer_at timestamptz,  -- its earliest pending timer, in the domain's time
    state         bytea       not null
) with (fillfactor = 60);
create index cases_timers on cases (lane, next_timer_at) where next_timer_at is not null;
create index cases_precedents on cases (task_code, situation, ground_code, closed_at desc) where outcome is not null and not headless;

-- Which commands had their effect: a repeat is known by (party, id) and by its content's fingerprint.
create table commands (
    party       text   not null,
    command_id  text   not null,
    fingerprint text   not null,
    source      text   not null,  -- topic, partition, offset and broker time of the first, as JSON
    lane        smallint not null,
    seq         bigint not null,
    primary key (party, command_id)
);

-- How far each inbound partition has come in each lane: what intake forwards again after a crash is dropped here.
create table sources (
    lane        smallint    not null references lanes,
    topic       text        not null,
    partition   integer     not null,
    next_offset bigint      not null,
    broker_time timestamptz not null,
    primary key (lane, topic, partition)
) with (fillfactor = 50);

-- Until when everything that the broker received has been forwarded by intake (the timers wait for it).
create table intake_progress (
    topic     text        not null,
    partition integer     not null,
    until     timestamptz not null,
    primary key (topic, partition)
) with (fillfactor = 50);

-- Commands for cases not known yet; each is in the journal too.
create table parked (
    lane      smallint    not null references lanes,
    seq       bigint      not null,  -- of its journal entry
    case_id   text        not null,
    until     timestamptz not null,
    command   bytea       not null,
    primary key (lane, seq)
);
create index parked_cases on parked (lane, case_id);

-- Commands of cases that the core could not take, in order; each is in the journal too.
create table quarantined (
    lane      smallint    not null references lanes,
    seq       bigint      not null,  -- of its journal entry
    case_id   text        not null,
    error     text        not null,
    at        timestamptz not null,
    command   bytea,                 -- none where it was the clock that asked
    primary key (lane, seq)
);
create index quarantined_cases on quarantined (case_id);

-- What the desk rendered and the relay publishes; dropped by age once published.
create table outbox (
    lane    smallint not null,
    seq     bigint   not null,
    n       smallint not null,
    topic   text     not null,
    key     bytea    not null,
    ce_id   text     not null,
    ce_type text     not null,
    extra   text,            -- further headers, as JSON
    value   bytea    not null,
    primary key (lane, seq, n)
);

-- The one place of personal data: encrypted, erasable.
create table applicants (
    applicant_ref text        primary key,
    case_id       text        not null,
    sealed        bytea,
    received_at   timestamptz not null,
    erased_at     timestamptz
);
create index applicants_case on applicants (case_id);

-- How cases of one kind have ended, counted per lane so that lanes never wait for each other.
create table precedents (
    task_code   text   not null,
    situation   text   not null,
    ground_code text   not null,
    lane        smallint not null,
    outcome     text   not null,
    cases       bigint not null,
    primary key (task_code, situation, ground_code, lane, outcome)
) with (fillfactor = 50);
