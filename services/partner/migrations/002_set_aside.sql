-- For counting what operators have to look at, whenever somebody reads the figures. It holds next to nothing, and what is
-- delivered never touches it.

create index delivery_set_aside on delivery (created_at) where set_aside_at is not null and delivered_at is null;
