-- A commit is answered when a standby has it too.
alter system set synchronous_standby_names = '*'
