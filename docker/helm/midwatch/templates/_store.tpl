{{/*
One store of the stack: a StatefulSet of one pod and its Service. What differs comes as
  (dict "root" $ "part" "valkey" "port" 6379 "uid" 999 "data" "/data" "scratch" (list "/tmp") "container" "…YAML…")
*/}}
{{- define "midwatch.store" -}}
{{- $part := dict "root" .root "part" .part }}
{{- $values := get .root.Values.stack .part }}
{{- $name := printf "%s-%s" (include "midwatch.name" .root) .part }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "midwatch.labels" $part | nindent 4 }}
spec:
  clusterIP: None
  selector: {{- include "midwatch.selector" $part | nindent 4 }}
  ports: [{name: store, port: {{ .port }}, targetPort: store, protocol: TCP}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "midwatch.labels" $part | nindent 4 }}
  annotations:
    checkov.io/skip1: CKV_K8S_40=the image of {{ .part }} has its files for its own user {{ .uid }}
spec:
  serviceName: {{ $name }}
  replicas: 1
  selector:
    matchLabels: {{- include "midwatch.selector" $part | nindent 6 }}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  template:
    metadata:
      labels: {{- include "midwatch.labels" $part | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 120
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .uid }}
        runAsGroup: {{ .uid }}
        fsGroup: {{ .uid }}
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .part }}
          image: {{ include "midwatch.image" (dict "image" $values.image) }}
          imagePullPolicy: IfNotPresent
          ports: [{name: store, containerPort: {{ .port }}}]
          securityContext: {{- include "midwatch.confined" .root | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          {{- .container | nindent 10 }}
          volumeMounts:
            - {name: data, mountPath: {{ .data }}}
            - {name: secret, mountPath: /run/secrets/midwatch, readOnly: true}
            {{- range $index, $path := .scratch }}
            - {name: scratch, mountPath: {{ $path }}, subPath: scratch-{{ $index }}}
            {{- end }}
      volumes:
        - name: scratch
          emptyDir: {sizeLimit: 1Gi}
        - name: secret
          secret:
            secretName: {{ .root.Values.secret.name }}
            defaultMode: 0440
            items: [{key: {{ .password }}, path: {{ .password }}}]
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $values.volume.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: {storage: {{ $values.volume.size }}}
{{- end }}

{{/* Probes by a command of the store's own: (list "pg_isready" …). */}}
{{- define "midwatch.store-probes" -}}
startupProbe:
  exec: {command: {{ toJson . }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  exec: {command: {{ toJson . }}}
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 4
readinessProbe:
  exec: {command: {{ toJson . }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}
