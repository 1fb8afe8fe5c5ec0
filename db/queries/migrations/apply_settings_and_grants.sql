-- Gives functions their settings and roles their rights, both after functions were put in. Returns nothing.
do $$
begin
  call ensure_roles();
  call apply_settings();
  call apply_grants();
end $$
