-- Removes a dispatch window. @id int. Returns its id.
delete from dispatch_windows where id = @id returning id
