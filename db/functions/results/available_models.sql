create or replace view available_models as
select m.name, m.family, m.native_width, m.native_height, m.paused from models m;
comment on view available_models is 'Models that jobs may name, without where they lie.';
