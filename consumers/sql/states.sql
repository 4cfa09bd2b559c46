-- name: facts_of_cases(case_ids)
-- Everything that happened to these cases, each one's in order.
select case_id, body from journal where case_id = any(:case_ids::text[]) and version is not null order by case_id, version;
