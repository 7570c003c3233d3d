"""The control process's database: tables, engine, migrations, and one module for each thing that is kept."""
