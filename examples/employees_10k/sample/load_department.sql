INSERT INTO department VALUES 
('d001','Marketing'),
('d002','Finance'),
('d003','R&D, Kawasaki');
