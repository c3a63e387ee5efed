/**
 * A backup is older than what clients have seen since: the positions after it will be given to other events. In a new
 * epoch nobody takes those for what they have (LG7, R16). As SQL, since it is part of the transaction that restores;
 * a backup of an earlier version has no logs.
 */
export const beginNewEpochs = `
  do $$
  begin
    if to_regclass('event_logs') is not null then
      update event_logs set epoch = left(gen_random_uuid()::text, 7);
    end if;
  end
  $$
`
