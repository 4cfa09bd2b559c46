-- name: take_lane(lane)^
-- Raise the lane's epoch: whoever held it before can no longer write.
update lanes set epoch = epoch + 1 where lane = :lane
returning epoch, next_offset, next_seq, last_hash, clock, domain_clock,
    directory_version, policy_version, calendar_version, recalculate_at, recalculate_case;

-- name: load(lane, case_ids, due_until, most, parties, command_ids, task_codes, situations, ground_codes)^
-- Where the lane stands, and all that its batch needs to know, in one round trip: of the batch's cases and of those with a timer due
-- (in due order), how others of their kind ended; given are the kinds of cases that the batch opens.
with asked as (
    select case_id, state, task_code, situation, ground_code, outcome from cases where case_id = any(:case_ids::text[])
), due as (
    select case_id, state, task_code, situation, ground_code, outcome, next_timer_at from cases
    where lane = :lane and next_timer_at <= :due_until order by next_timer_at, case_id limit :most
), kinds as (
    select task_code, situation, ground_code from asked where outcome is null
    union select task_code, situation, ground_code from due where outcome is null
    union select * from unnest(:task_codes::text[], :situations::text[], :ground_codes::text[])
), ended as materialized (
    select task_code, situation, ground_code, outcome, sum(cases)::bigint as cases
    from kinds join precedents using (task_code, situation, ground_code) group by 1, 2, 3, 4
)
select epoch, next_offset, next_seq, clock_timestamp() as now,
    array(select row(case_id, state) from asked) as asked,
    array(select row(case_id, state) from due order by next_timer_at, case_id) as due,
    array(
        select row(commands.party, commands.command_id, commands.fingerprint, commands.source)
        from unnest(:parties::text[], :command_ids::text[]) as said(party, command_id) join commands using (party, command_id)
    ) as known,
    array(
        select row(seq, case_id, command) from parked where lane = :lane and case_id = any(:case_ids::text[]) order by seq
    ) as parked,
    array(
        select row(seq, command) from parked where lane = :lane and until <= statement_timestamp() order by seq limit :most
    ) as expired,
    array(select distinct case_id from quarantined where case_id = any(:case_ids::text[])) as quarantined,
    array(select row(task_code, situation, ground_code, outcome, cases) from ended) as ended,
    array(
        select row(kind.task_code, kind.situation, kind.ground_code, newest.case_id, newest.outcome, newest.closed_at)
        from (select distinct task_code, situation, ground_code from ended) as kind
        cross join lateral (
            select case_id, outcome, closed_at from cases
            where cases.task_code = kind.task_code and cases.situation = kind.situation and cases.ground_code = kind.ground_code
              and outcome is not null and not headless
            order by closed_at desc limit 5
        ) as newest
        order by newest.closed_at desc
    ) as newest
from lanes where lane = :lane;

-- name: append(next_offset, next_seq, last_hash, clock, domain_clock, directory_version, policy_version, calendar_version, recalculate_at, recalculate_case, lane, epoch, was_offset, was_seq, journal_seq, journal_kind, journal_case_id, journal_version, journal_recorded_at, journal_body, journal_hash, cases_case_id, cases_version, cases_org_code, cases_centre, cases_stage, cases_outcome, cases_headless, cases_task_code, cases_situation, cases_ground_code, cases_opened_at, cases_closed_at, cases_next_timer_at, cases_state, commands_party, commands_command_id, commands_fingerprint, commands_source, commands_seq, outbox_seq, outbox_n, outbox_topic, outbox_key, outbox_ce_id, outbox_ce_type, outbox_extra, outbox_value, sources_topic, sources_partition, sources_next_offset, sources_broker_time, applicants_applicant_ref, applicants_case_id, applicants_sealed, applicants_received_at, precedents_task_code, precedents_situation, precedents_ground_code, precedents_outcome, precedents_cases)$
-- The lane's compare-and-set, and with it all that follows from a batch: 1, or the lane is another's and nothing is written.
-- A parameter of many values is named by its table and column.
with moved as (
    update lanes set next_offset = :next_offset, next_seq = :next_seq, last_hash = :last_hash, clock = :clock,
        domain_clock = :domain_clock, directory_version = :directory_version, policy_version = :policy_version,
        calendar_version = :calendar_version, recalculate_at = :recalculate_at, recalculate_case = :recalculate_case
    where lane = :lane and epoch = :epoch and next_offset = :was_offset and next_seq = :was_seq returning lane
), put_journal as (
    insert into journal (lane, seq, kind, case_id, version, recorded_at, body, hash)
    select moved.lane, given.* from moved, unnest(
        :journal_seq::bigint[], :journal_kind::text[], :journal_case_id::text[], :journal_version::integer[],
        :journal_recorded_at::timestamptz[], :journal_body::bytea[], :journal_hash::bytea[]
    ) as given
), put_cases as (
    insert into cases (
        lane, case_id, version, org_code, centre, stage, outcome, headless, task_code, situation, ground_code,
        opened_at, closed_at, next_timer_at, state
    )
    select moved.lane, given.* from moved, unnest(
        :cases_case_id::text[], :cases_version::integer[], :cases_org_code::text[], :cases_centre::text[],
        :cases_stage::text[], :cases_outcome::text[], :cases_headless::boolean[], :cases_task_code::text[],
        :cases_situation::text[], :cases_ground_code::text[], :cases_opened_at::timestamptz[],
        :cases_closed_at::timestamptz[], :cases_next_timer_at::timestamptz[], :cases_state::bytea[]
    ) as given
    on conflict (case_id) do update set
        version = excluded.version, stage = excluded.stage, outcome = excluded.outcome, situation = excluded.situation,
        ground_code = excluded.ground_code, closed_at = excluded.closed_at, next_timer_at = excluded.next_timer_at,
        state = excluded.state
), put_commands as (
    -- In the order of the key, so that two lanes never wait for each other in a circle.
    insert into commands (lane, party, command_id, fingerprint, source, seq)
    select moved.lane, given.* from moved, unnest(
        :commands_party::text[], :commands_command_id::text[], :commands_fingerprint::text[], :commands_source::text[],
        :commands_seq::bigint[]
    ) as given (party, command_id, fingerprint, source, seq)
    order by given.party, given.command_id
), put_outbox as (
    insert into outbox (lane, seq, n, topic, key, ce_id, ce_type, extra, value)
    select moved.lane, given.* from moved, unnest(
        :outbox_seq::bigint[], :outbox_n::smallint[], :outbox_topic::text[], :outbox_key::bytea[], :outbox_ce_id::text[],
        :outbox_ce_type::text[], :outbox_extra::text[], :outbox_value::bytea[]
    ) as given
), put_sources as (
    insert into sources (lane, topic, partition, next_offset, broker_time)
    select moved.lane, given.* from moved, unnest(
        :sources_topic::text[], :sources_partition::integer[], :sources_next_offset::bigint[], :sources_broker_time::timestamptz[]
    ) as given
    on conflict (lane, topic, partition) do update set next_offset = excluded.next_offset, broker_time = excluded.broker_time
), put_applicants as (
    insert into applicants (applicant_ref, case_id, sealed, received_at)
    select given.* from moved, unnest(
        :applicants_applicant_ref::text[], :applicants_case_id::text[], :applicants_sealed::bytea[],
        :applicants_received_at::timestamptz[]
    ) as given
    on conflict (applicant_ref) do nothing
), put_precedents as (
    insert into precedents (lane, task_code, situation, ground_code, outcome, cases)
    select moved.lane, given.* from moved, unnest(
        :precedents_task_code::text[], :precedents_situation::text[], :precedents_ground_code::text[],
        :precedents_outcome::text[], :precedents_cases::bigint[]
    ) as given
    on conflict (task_code, situation, ground_code, lane, outcome) do update set cases = precedents.cases + excluded.cases
)
select count(*) from moved;

-- name: epoch(lane)$
select epoch from lanes where lane = :lane;

-- name: lane_sources(lane)
select topic, partition, next_offset, broker_time from sources where lane = :lane;

-- name: parked_until(lane)$
-- When the first parked command of the lane has waited long enough.
select min(until) from parked where lane = :lane;

-- name: cases_with_timers(lane, after_at, after_case, most)
-- Cases of the lane with any timer, in due order, after a place in it.
select state, case_id, next_timer_at from cases
where lane = :lane and next_timer_at is not null and (next_timer_at, case_id) > (:after_at, :after_case)
order by next_timer_at, case_id limit :most;

-- name: lanes_with_timers_due(lanes, until)
-- For each lane the earliest timer that is due; the index answers it.
select wanted.lane, due.next_timer_at
from unnest(:lanes::smallint[]) as wanted(lane)
cross join lateral (
    select next_timer_at from cases
    where cases.lane = wanted.lane and next_timer_at <= :until order by next_timer_at limit 1
) as due;

-- name: unpark(lane, seqs)!
delete from parked where lane = :lane and seq = any(:seqs::bigint[]);

-- name: held_commands(lane, case_ids)
select case_id, command from quarantined where lane = :lane and case_id = any(:case_ids::text[]) and command is not null order by seq;

-- name: unquarantine(lane, case_ids)!
delete from quarantined where lane = :lane and case_id = any(:case_ids::text[]);

-- name: quarantine(lane, seqs, case_ids, errors, at, commands)!
insert into quarantined (lane, seq, case_id, error, at, command)
select :lane, * from unnest(:seqs::bigint[], :case_ids::text[], :errors::text[], :at::timestamptz[], :commands::bytea[]);

-- name: hold_timers(case_ids)!
-- A quarantined case's timers wait with it.
update cases set next_timer_at = null where case_id = any(:case_ids::text[]);

-- name: park(lane, seqs, case_ids, untils, commands)!
insert into parked (lane, seq, case_id, until, command)
select :lane, * from unnest(:seqs::bigint[], :case_ids::text[], :untils::timestamptz[], :commands::bytea[]);

-- name: erase_applicants(refs, erased_at)!
-- The ciphertext goes; that there was something, and when it went, stays.
update applicants set sealed = null, erased_at = coalesce(applicants.erased_at, u.erased_at)
from unnest(:refs::text[], :erased_at::timestamptz[]) as u(applicant_ref, erased_at)
where applicants.applicant_ref = u.applicant_ref;

-- name: intake_until()$
-- Until when each inbound partition has been forwarded; nothing is due before all of them have come so far.
select min(until) from intake_progress;
