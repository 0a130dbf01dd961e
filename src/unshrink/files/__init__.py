"""Pictures and LR files on disk.  This floor never imports torch."""

from unshrink.files.disk import check_output as check_output
from unshrink.files.disk import read_bytes as read_bytes
from unshrink.files.disk import source_name as source_name
from unshrink.files.disk import write_bytes as write_bytes
from unshrink.files.header import Header as Header
from unshrink.files.lrfile import LRFile as LRFile
from unshrink.files.lrfile import decode as decode
from unshrink.files.lrfile import encode as encode
from unshrink.files.lrfile import inspect as inspect
from unshrink.files.lrfile import is_lrfile as is_lrfile
from unshrink.files.lrfile import strip as strip
from unshrink.files.lrfile import verify as verify
from unshrink.files.payload import lossless_plane_decode as lossless_plane_decode
from unshrink.files.payload import lossless_plane_encode as lossless_plane_encode
from unshrink.files.picture import Picture as Picture
from unshrink.files.picture import read_picture as read_picture
