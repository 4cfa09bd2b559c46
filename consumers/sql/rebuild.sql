-- name: lane(lane)^
select epoch, next_offset, next_seq, last_hash from lanes where lane = :lane;

-- name: fence_lane(lane)^
-- Whoever writes the lane loses it; nobody takes it while this transaction lasts.
update lanes set epoch = epoch + 1, relay_epoch = relay_epoch + 1 where lane = :lane returning next_seq, last_hash;

-- name: journal_of_lane(lane, seq, most)
select seq, kind, case_id, version, recorded_at, body, hash from journal where lane = :lane and seq >= :seq order by seq limit :most;

-- name: forget_cases(lane)!
delete from cases where lane = :lane;

-- name: forget_commands(lane)!
delete from commands where lane = :lane;

-- name: forget_sources(lane)!
delete from sources where lane = :lane;

-- name: forget_parked(lane)!
delete from parked where lane = :lane;

-- name: forget_quarantined(lane)!
delete from quarantined where lane = :lane;

-- name: forget_precedents(lane)!
delete from precedents where lane = :lane;

-- name: set_lane(lane, next_offset, next_seq, last_hash, clock)!
update lanes set next_offset = :next_offset, next_seq = :next_seq, last_hash = :last_hash, clock = greatest(clock, :clock) where lane = :lane;

-- name: case_states(lane)
select case_id, version, state from cases where lane = :lane;
