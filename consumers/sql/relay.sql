-- name: take_lane(lane)$
-- Raise the lane's relay epoch: a relay that held it before must not publish any more.
update lanes set relay_epoch = relay_epoch + 1 where lane = :lane returning relay_epoch;

-- name: epoch(lane)$
select relay_epoch from lanes where lane = :lane;

-- name: entry_hash(lane, seq)$
-- The hash of one entry: whether this is the journal that was published from.
select hash from journal where lane = :lane and seq = :seq;

-- name: lane_ends(lanes)
-- How far the journal of each lane goes.
select lane, next_seq from lanes where lane = any(:lanes::smallint[]);

-- name: entries(lane, seq, most)
select seq, kind, case_id, version, recorded_at, body, hash from journal
where lane = :lane and seq >= :seq order by seq limit :most;

-- name: messages(lane, first, last)
select seq, n, topic, key, ce_id, ce_type, extra, value from outbox
where lane = :lane and seq >= :first and seq <= :last order by seq, n;

-- name: drop_published(lane, before, most)!
delete from outbox where lane = :lane and seq in (
    select seq from outbox where lane = :lane and seq < :before order by seq limit :most
);

-- name: try_hold_lane(space, lane)$
select pg_try_advisory_lock(:space::integer, :lane::integer);

-- name: release_lane(space, lane)$
select pg_advisory_unlock(:space::integer, :lane::integer);

-- name: hold_membership(space, member)$
-- Counted by the others to find a fair share of the lanes.
select pg_try_advisory_lock_shared(:space::integer, :member::integer);

-- name: members(space, member)$
-- Of this database only: the view shows the whole server's, and another router's relays take none of our lanes.
select count(distinct pid) from pg_locks
where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database()) and classid = :space::oid and objid = :member::oid and mode = 'ShareLock' and granted;
