"""The model that is served and tested becomes the champion."""
