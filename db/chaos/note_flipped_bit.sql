-- Notes that a bit in the memory of a worker is about to be flipped: its images differ until a checkpoint finds that. $1 text: its name.
insert into public.flipped_bits (worker_name) values ($1) returning worker_name
