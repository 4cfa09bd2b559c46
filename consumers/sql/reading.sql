-- name: case_entries(case_id)
-- Everything that became of one case, in order.
select seq, lane, body, hash from journal where case_id = :case_id and version is not null order by version;

-- name: open_cases(unit, after, most)
-- Cases whose outcome is still to come, of one unit or of all, after one of them in the order of their ids.
select case_id, state from cases
where stage <> 'closed' and case_id > :after and (:unit::text is null or org_code = :unit)
order by case_id limit :most;
