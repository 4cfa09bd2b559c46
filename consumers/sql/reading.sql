-- name: case_entries(case_id)
-- Everything that became of one case, in order.
select seq, lane, body, hash from journal where case_id = :case_id and version is not null order by version;

-- name: case_state(case_id)^
select state from cases where case_id = :case_id;
