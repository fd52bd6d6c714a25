"""One run as a process, with nothing else in it: FOLDER MODELS M SWEEPS."""

import sys
from pathlib import Path

from bayesmice import MICE
from speed.datafiles import read_data
from speed.models.by_name import models_by_name

folder, models, m, sweeps = sys.argv[1:]
data = read_data(Path(folder))
MICE(data, models_by_name(models, data)).mice(int(m), int(sweeps), progressbar=False)
