-- name: quarantined()
-- Each case that waits for an operator: why it began, since when, and how many commands wait with it.
select q.case_id, min(q.at) as since, count(q.command) as commands, (array_agg(q.error order by q.seq))[1] as error, min(q.lane) as lane
from quarantined q group by q.case_id order by since;

-- name: lane_of(case_id)$
select lane from quarantined where case_id = :case_id limit 1;
