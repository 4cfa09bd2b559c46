-- name: of_case(case_id)^
-- Whether there are data of a case's applicant, and whether they still are.
select applicant_ref, erased_at from applicants where case_id = :case_id;

-- name: ended_before(before)
-- Cases that have ended and whose applicants' data came in before.
select applicants.case_id from applicants join cases using (case_id)
where applicants.sealed is not null and applicants.received_at < :before and cases.stage = 'closed'
order by applicants.received_at;

-- name: open_before(before)$
select count(*) from applicants join cases using (case_id)
where applicants.sealed is not null and applicants.received_at < :before and cases.stage <> 'closed';

-- name: not_erased(case_ids)$
select count(*) from applicants where case_id = any(:case_ids::text[]) and sealed is not null;

-- name: sealed_by_others(own, most)
-- Some rows that another key of the ring seals; whoever works on them now is not waited for.
select applicant_ref, sealed from applicants
where sealed is not null and substring(sealed from 4 for 8) <> :own::bytea
order by applicant_ref limit :most for update skip locked;

-- name: put_resealed(refs, sealed)!
update applicants set sealed = u.sealed from unnest(:refs::text[], :sealed::bytea[]) as u(ref, sealed)
where applicant_ref = u.ref and applicants.sealed is not null;

-- name: left_by_others(own)$
select count(*) from applicants where sealed is not null and substring(sealed from 4 for 8) <> :own::bytea;
