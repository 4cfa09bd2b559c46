-- Reference data by version: which content decided, and which decides in each lane.

-- Every directory, policy and calendar that was ever loaded, word for word: a limit is explained by the calendar it was worked out by.
create table reference_contents (
    kind      text        not null check (kind in ('directory', 'policy', 'calendar')),
    version   text        not null,
    sha256    text        not null,
    content   bytea       not null,  -- JSON, keys sorted
    stored_at timestamptz not null default clock_timestamp(),
    primary key (kind, version)
);

-- Each time one was put in force; the newest announced of a kind is what intake goes by.
create table reference_loads (
    id           bigint      generated always as identity primary key,
    kind         text        not null,
    version      text        not null,
    loaded_at    timestamptz not null default clock_timestamp(),
    announced_at timestamptz,  -- when its control was in every lane
    foreign key (kind, version) references reference_contents
);
create index reference_loads_kind on reference_loads (kind, id);

alter table lanes
    add directory_version text,
    add policy_version    text,
    add calendar_version  text,
    add domain_clock      timestamptz not null default 'epoch',  -- the domain's time, never backward
    add recalculate_at    timestamptz,                           -- how far the lane's limits have been worked out again by
    add recalculate_case  text;                                  -- its calendar: the timer and case of the last; none where all are

-- In firing order, whatever is due at the same instant: a batch reads no more rows than it fires.
drop index cases_timers;
create index cases_timers on cases (lane, next_timer_at, case_id) where next_timer_at is not null;
