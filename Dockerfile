# unshrink on a processor:
#
#     docker build -t unshrink .
#     docker run --rm -v "$PWD:/pictures" unshrink down photo.jpg
#
FROM python:3.12-slim
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip install --no-cache-dir /source && rm -rf /source
WORKDIR /pictures
ENTRYPOINT ["unshrink"]
CMD ["--help"]
