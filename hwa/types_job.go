package hwa

import (
	"encoding/json"
	"time"
)

// JobInPlan is a job in the plan. Lists fill in less than Job(id): see Scope.
type JobInPlan struct {
	FlowNodeType           FlowNodeType         `json:"flowNodeType,omitempty"`
	EngineID               string               `json:"engineId,omitempty"`
	ID                     string               `json:"id,omitempty"` // plan id, a UUID; what by-id operations take
	PersistentID           string               `json:"persistentId,omitempty"`
	PlanID                 string               `json:"planId,omitempty"`
	FolderID               string               `json:"folderId,omitempty"`
	Folder                 string               `json:"folder,omitempty"` // folder of the job stream, "/" for the root
	Name                   string               `json:"name,omitempty"`   // job name without stream and workstation
	WorkstationID          string               `json:"workstationId,omitempty"`
	Workstation            string               `json:"workstation,omitempty"` // key of the workstation the job is defined on
	CPUFolderID            string               `json:"cpuFolderId,omitempty"`
	JobStreamID            string               `json:"jobStreamId,omitempty"`
	JobStreamName          string               `json:"jobStreamName,omitempty"`
	JobStreamWorkstationID string               `json:"jobStreamWorkstationId,omitempty"`
	JobStreamWorkstation   string               `json:"jobStreamWorkstation,omitempty"`
	Position               int                  `json:"position,omitempty"`
	Key                    string               `json:"key,omitempty"` // full name as conman shows it
	JobDefinitionFlags     JobDefinitionFlags   `json:"jobDefinitionFlags,omitzero"`
	JobStatusFlags         JobStatusFlags       `json:"jobStatusFlags,omitzero"`
	JobOptions             JobOptions           `json:"jobOptions,omitzero"`
	LastRunCompositeStatus JobCompositeStatus   `json:"lastRunCompositeStatus,omitzero"` // internal status of the latest run
	LastRunCommonStatus    CommonStatus         `json:"lastRunCommonStatus,omitempty"`   // summary status of the latest run
	JobDefinitionRefID     string               `json:"jobDefinitionRefId,omitempty"`
	JobDefinition          *JobDefinitionInPlan `json:"jobDefinition,omitempty"` // nil in lists asked without job definitions
	Priority               *int                 `json:"priority,omitempty"`      // 0 holds the job, 100 is hi, 101 is go; nil when not sent
	OrigPriority           *int                 `json:"origPriority,omitempty"`
	JobRuns                []JobRun             `json:"jobruns,omitempty"` // every run, reruns and `every` repetitions included
	SchedTime              time.Time            `json:"schedTime,omitzero"`
	CPUTime                Duration             `json:"cpuTime,omitempty"`
	TimeZone               string               `json:"timeZone,omitempty"`
	TimeRestrictions       TimeRestrictions     `json:"timeRestrictions,omitzero"`
	Dependencies           []Dependency         `json:"dependencies,omitempty"`      // filled by Job(id), not by lists
	DependenciesStats      *DependenciesStats   `json:"dependenciesStats,omitempty"` // counts by kind; nil when not sent
	EndTime                time.Time            `json:"endTime,omitzero"`
	ConfidenceInterval     string               `json:"confidenceInterval,omitempty"`
	CriticalStart          time.Time            `json:"criticalStart,omitzero"`   // latest start that still keeps the critical deadline
	RepeatInterval         Duration             `json:"repeatInterval,omitempty"` // of an `every` job
	SkipLateAction         SkipLateAction       `json:"skipLateAction,omitempty"`
	Actions                []Action             `json:"actions,omitempty"`  // what the calling user may do to this job now
	Archived               bool                 `json:"archived,omitempty"` // the job belongs to an archived plan
}

// JobRun is one run of a job.
type JobRun struct {
	ID                          string                   `json:"id,omitempty"` // the run id: what job log and rerun take (not the job id)
	Name                        string                   `json:"name,omitempty"`
	JobID                       string                   `json:"jobId,omitempty"`
	JobKey                      string                   `json:"jobKey,omitempty"`
	ActualWorkstation           string                   `json:"actualWorkstation,omitempty"` // where it really ran: differs for pools
	JobNumber                   int                      `json:"jobNumber,omitempty"`         // process or job number on the agent
	CompositeStatus             JobCompositeStatus       `json:"compositeStatus,omitzero"`
	CommonStatus                CommonStatus             `json:"commonStatus,omitempty"`
	JobDefinition               *JobDefinitionInPlan     `json:"jobDefinition,omitempty"`
	OutputProperties            map[string]PropertyValue `json:"outputProperties,omitempty"`
	OutputConditions            []OutputCondition        `json:"outputConditions,omitempty"`
	Step                        string                   `json:"step,omitempty"`       // alias of a rerun with a step name
	ReturnCode                  *int                     `json:"returnCode,omitempty"` // nil while the run has not ended
	RerunJob                    bool                     `json:"rerunJob,omitempty"`
	Confirmed                   bool                     `json:"confirmed,omitempty"`
	Released                    bool                     `json:"released,omitempty"`
	RerunType                   RerunType                `json:"rerunType,omitempty"`
	TimeInfo                    TimeInfo                 `json:"timeInfo,omitzero"`
	SubmittedTime               time.Time                `json:"submittedTime,omitzero"`
	LastInRerunChain            bool                     `json:"lastInRerunChain,omitempty"`
	MinDurationNotReached       bool                     `json:"minDurationNotReached,omitempty"`
	MaxDurationGone             bool                     `json:"maxDurationGone,omitempty"`
	RunAttempt                  int                      `json:"runAttempt,omitempty"`
	Actions                     []Action                 `json:"actions,omitempty"`
	NestedJobStreamID           string                   `json:"nestedJobStreamId,omitempty"`
	NestedJobStreamKey          string                   `json:"nestedJobStreamKey,omitempty"`
	NestedJobStreamSchedTime    time.Time                `json:"nestedJobStreamSchedTime,omitzero"`
	IsGetNamesFromJobDefinition bool                     `json:"isGetNamesFromJobDefinition,omitempty"`
	GetNamesFromJobDefinition   bool                     `json:"getNamesFromJobDefinition,omitempty"`
}

// JobCompositeStatus is the exact status of a job or run.
type JobCompositeStatus struct {
	Canceled      bool         `json:"canceled,omitempty"` // a flag on top of Status, not a status of its own
	Status        JobStatus    `json:"status,omitempty"`
	Substatus     JobSubStatus `json:"substatus,omitempty"`
	Error         bool         `json:"error,omitempty"`
	Started       bool         `json:"started,omitempty"`
	CancelPending bool         `json:"cancelPending,omitempty"`
	DontRun       bool         `json:"dontRun,omitempty"`
}

// JobDefinitionFlags are flags of a job that come from its definition.
type JobDefinitionFlags struct {
	Monitored   bool `json:"monitored,omitempty"`
	Aliased     bool `json:"aliased,omitempty"`
	Interactive bool `json:"interactive,omitempty"`
}

// JobStatusFlags are flags of a job that come from what happened to it.
type JobStatusFlags struct {
	JobStreamCancelled    bool `json:"jobStreamCancelled,omitempty"`
	PromotedToUrgentQueue bool `json:"promotedToUrgentQueue,omitempty"`
	JobLate               bool `json:"jobLate,omitempty"` // the deadline or the critical start is at risk
	UserRerunAgain        bool `json:"userRerunAgain,omitempty"`
	Restarted             bool `json:"restarted,omitempty"`
	UntilGone             bool `json:"untilGone,omitempty"` // the latest start time has passed
	Buckujob              bool `json:"buckujob,omitempty"`
	NeedMessage           bool `json:"needMessage,omitempty"`
	DeadlineHasPassed     bool `json:"deadlineHasPassed,omitempty"` // the deadline has passed
	AltJobIssue           bool `json:"altJobIssue,omitempty"`
}

// JobOptions are the options of a job in the plan.
type JobOptions struct {
	NoOperation          bool `json:"noOperation,omitempty"`
	Critical             bool `json:"critical,omitempty"`
	RequiresConfirmation bool `json:"requiresConfirmation,omitempty"`
	Every                bool `json:"every,omitempty"`
}

// JobDefinitionInPlan is the definition a job in the plan was made from.
type JobDefinitionInPlan struct {
	ID                        string          `json:"id,omitempty"`
	JobDefinitionModelID      string          `json:"jobDefinitionModelId,omitempty"`
	FolderID                  string          `json:"folderId,omitempty"`
	Folder                    string          `json:"folder,omitempty"`
	Name                      string          `json:"name,omitempty"`
	WorkstationID             string          `json:"workstationId,omitempty"`
	Workstation               string          `json:"workstation,omitempty"`
	CPUFolderID               string          `json:"cpuFolderId,omitempty"`
	Description               string          `json:"description,omitempty"`
	Task                      json.RawMessage `json:"task,omitempty"`
	IsCommand                 bool            `json:"isCommand,omitempty"`
	EstimatedDuration         Duration        `json:"estimatedDuration,omitempty"`
	RecoveryJobID             string          `json:"recoveryJobId,omitempty"`
	RecoveryJob               string          `json:"recoveryJob,omitempty"`
	RecoveryJobName           string          `json:"recoveryJobName,omitempty"`
	RecoveryJobWorkstationID  string          `json:"recoveryJobWorkstationId,omitempty"`
	RecoveryJobWorkstation    string          `json:"recoveryJobWorkstation,omitempty"`
	RecoveryCPUFolderID       string          `json:"recoveryCpuFolderId,omitempty"`
	AbendPromptID             string          `json:"abendPromptId,omitempty"`
	AbendPromptFolder         string          `json:"abendPromptFolder,omitempty"`
	AbendPromptOriginalName   string          `json:"abendPromptOriginalName,omitempty"`
	AbendPromptName           string          `json:"abendPromptName,omitempty"`
	AbendPromptText           string          `json:"abendPromptText,omitempty"`
	PlanID                    string          `json:"planId,omitempty"`
	UserLogins                []string        `json:"userLogins,omitempty"`
	RecoveryOption            RecoveryOption  `json:"recoveryOption,omitempty"`
	RecoveryRepeatInterval    Duration        `json:"recoveryRepeatInterval,omitempty"`
	RecoveryRepeatOccurrences int             `json:"recoveryRepeatOccurrences,omitempty"`
	RecoveryRepeatAffinity    bool            `json:"recoveryRepeatAffinity,omitempty"`
	Affinity                  string          `json:"affinity,omitempty"`
	Command                   bool            `json:"command,omitempty"`
}

// TimeInfo holds the estimated and the actual times of a job run or job stream.
type TimeInfo struct {
	EstimatedDuration Duration  `json:"estimatedDuration,omitempty"`
	ActualStartTime   time.Time `json:"actualStartTime,omitzero"`
	ElapsedTime       Duration  `json:"elapsedTime,omitempty"`
	ActualEndTime     time.Time `json:"actualEndTime,omitzero"`
}

// TimeRestrictions are the time gates of a job or job stream. The *Satisfied fields are nil when the engine does not say.
type TimeRestrictions struct {
	StartTime            time.Time         `json:"startTime,omitzero"`
	DeadlineTime         time.Time         `json:"deadlineTime,omitzero"`
	LateAction           LateAction        `json:"lateAction,omitempty"`
	MaxDuration          Duration          `json:"maxDuration,omitempty"`
	MinDuration          Duration          `json:"minDuration,omitempty"`
	LatestStartTime      time.Time         `json:"latestStartTime,omitzero"`
	LateStartAction      LateStartAction   `json:"lateStartAction,omitempty"`
	MinDurationAction    MinDurationAction `json:"minDurationAction,omitempty"`
	MaxDurationAction    MaxDurationAction `json:"maxDurationAction,omitempty"`
	TimeDependent        bool              `json:"timeDependent,omitempty"`
	StartTimeSatisfied   *bool             `json:"startTimeSatisfied,omitempty"`
	DeadlineSatisfied    *bool             `json:"deadlineSatisfied,omitempty"`
	LatestStartSatisfied *bool             `json:"latestStartSatisfied,omitempty"`
	MaxDurationSatisfied *bool             `json:"maxDurationSatisfied,omitempty"`
	MinDurationSatisfied *bool             `json:"minDurationSatisfied,omitempty"`
	PerJobLatestStart    bool              `json:"perJobLatestStart,omitempty"`
}

// DependenciesStats counts the dependencies of a job or job stream by kind.
type DependenciesStats struct {
	NumberOfDependencies                      int `json:"numberOfDependencies,omitempty"`
	NumberOfJobDependencies                   int `json:"numberOfJobDependencies,omitempty"`
	NumberOfJobStreamDependencies             int `json:"numberOfJobStreamDependencies,omitempty"`
	NumberOfInternetworkDependencies          int `json:"numberOfInternetworkDependencies,omitempty"`
	NumberOfPromptDependencies                int `json:"numberOfPromptDependencies,omitempty"`
	NumberOfResourceDependencies              int `json:"numberOfResourceDependencies,omitempty"`
	NumberOfFileDependencies                  int `json:"numberOfFileDependencies,omitempty"`
	NumberOfUnresolvedDependencies            int `json:"numberOfUnresolvedDependencies,omitempty"` // still unsatisfied, of any kind
	NumberOfNonResourceUnresolvedDependencies int `json:"numberOfNonResourceUnresolvedDependencies,omitempty"`
}

// OutputCondition is a named condition on the output of a run.
type OutputCondition struct {
	ConditionID                string `json:"conditionId,omitempty"`
	JobInPlanID                string `json:"jobInPlanId,omitempty"`
	JobInPlanKey               string `json:"jobInPlanKey,omitempty"`
	JobDefinitionInPlanID      string `json:"jobDefinitionInPlanId,omitempty"`
	JobDefinitionName          string `json:"jobDefinitionName,omitempty"`
	JobDefinitionWorkstation   string `json:"jobDefinitionWorkstation,omitempty"`
	JobDefinitionWorkstationID string `json:"jobDefinitionWorkstationId,omitempty"`
	PlanID                     string `json:"planId,omitempty"`
	ConditionName              string `json:"conditionName,omitempty"`
	MappingExpression          string `json:"mappingExpression,omitempty"`
	IsSuccCondition            bool   `json:"isSuccCondition,omitempty"`
	IsSatisfied                bool   `json:"isSatisfied,omitempty"`
	SuccCondition              bool   `json:"succCondition,omitempty"`
	Satisfied                  bool   `json:"satisfied,omitempty"`
}

// PropertyValue is the value of an output property.
type PropertyValue struct {
	Value string       `json:"value,omitempty"`
	Type  PropertyType `json:"type,omitempty"`
}

// Action is an action the calling user may take on an object.
type Action struct {
	Key string `json:"key,omitempty"` // name of the action, as in ObjectsInfo
	ID  string `json:"id,omitempty"`
}
