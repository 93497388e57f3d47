package hwa

import "time"

// JobStreamInPlan is a job stream (schedule) instance in the plan.
type JobStreamInPlan struct {
	FlowNodeType          FlowNodeType             `json:"flowNodeType,omitempty"`
	EngineID              string                   `json:"engineId,omitempty"`
	ID                    string                   `json:"id,omitempty"`
	PersistentID          string                   `json:"persistentId,omitempty"`
	PlanID                string                   `json:"planId,omitempty"`
	FolderID              string                   `json:"folderId,omitempty"`
	Folder                string                   `json:"folder,omitempty"`
	Name                  string                   `json:"name,omitempty"`
	OriginalJobStreamName string                   `json:"originalJobStreamName"`
	AliasJobStreamName    string                   `json:"aliasJobStreamName,omitempty"`
	WorkstationID         string                   `json:"workstationId,omitempty"`
	Workstation           string                   `json:"workstation,omitempty"`
	CPUFolderID           string                   `json:"cpuFolderId,omitempty"`
	JobStreamModelID      string                   `json:"jobStreamModelId,omitempty"`
	Key                   string                   `json:"key,omitempty"` // full name as conman shows it
	SchedTime             time.Time                `json:"schedTime,omitzero"`
	CPUTime               Duration                 `json:"cpuTime,omitempty"`
	TimeZone              string                   `json:"timeZone,omitempty"`
	VariableTableID       string                   `json:"variableTableId,omitempty"`
	JsDefinitionFlags     JobStreamDefinitionFlags `json:"jsDefinitionFlags,omitzero"`
	JsStatusFlags         JobStreamStatusFlags     `json:"jsStatusFlags,omitzero"`
	JsOptions             JobStreamOptions         `json:"jsOptions,omitzero"`
	CompositeStatus       JobStreamCompositeStatus `json:"compositeStatus,omitzero"`
	CommonStatus          CommonStatus             `json:"commonStatus,omitempty"`
	Priority              *int                     `json:"priority,omitempty"`
	OrigPriority          *int                     `json:"origPriority,omitempty"`
	TimeInfo              TimeInfo                 `json:"timeInfo,omitzero"`
	ScheduledDate         time.Time                `json:"scheduledDate,omitzero"`
	JobStreamStats        JobStreamStats           `json:"jobStreamStats,omitzero"`
	Dependencies          []Dependency             `json:"dependencies,omitempty"`
	DependenciesStats     *DependenciesStats       `json:"dependenciesStats,omitempty"`
	TimeRestrictions      TimeRestrictions         `json:"timeRestrictions,omitzero"`
	Limit                 *int                     `json:"limit,omitempty"` // -1 is no limit; 0 starts nothing; nil when not sent
	Jobs                  []JobInPlan              `json:"jobs,omitempty"`
	ServiceName           string                   `json:"serviceName,omitempty"`
	ServiceContact        string                   `json:"serviceContact,omitempty"`
	Submitter             string                   `json:"submitter,omitempty"`
	InternalIdentifier    string                   `json:"internalIdentifier,omitempty"`
	ApprovalInfo          []ApprovalInfo           `json:"approvalInfo,omitempty"`
	FollowsDepSequenceNum int                      `json:"followsDepSequenceNum,omitempty"`
	WorkstationClass      string                   `json:"workstationClass,omitempty"`
	Actions               []Action                 `json:"actions,omitempty"`
	Archived              bool                     `json:"archived,omitempty"`
	OutputProperties      map[string]string        `json:"outputProperties,omitempty"`
}

// JobStreamCompositeStatus is the exact status of a job stream.
type JobStreamCompositeStatus struct {
	CancelPending bool               `json:"cancelPending,omitempty"`
	Canceled      bool               `json:"canceled,omitempty"`
	Started       bool               `json:"started,omitempty"`
	Error         bool               `json:"error,omitempty"`
	DontRun       bool               `json:"dontRun,omitempty"`
	Status        JobStreamStatus    `json:"status,omitempty"`
	Substatus     JobStreamSubStatus `json:"substatus,omitempty"`
}

// JobStreamDefinitionFlags are flags of a job stream that come from its definition.
type JobStreamDefinitionFlags struct {
	Aliased        bool `json:"aliased,omitempty"`
	CarriedForward bool `json:"carriedForward,omitempty"`
	IsService      bool `json:"isService,omitempty"`
	Service        bool `json:"service,omitempty"`
}

// JobStreamStatusFlags are flags of a job stream that come from what happened to it.
type JobStreamStatusFlags struct {
	Released           bool `json:"released,omitempty"`
	LateJobStream      bool `json:"lateJobStream,omitempty"`
	PendingPredecessor bool `json:"pendingPredecessor,omitempty"`
	HasEveryJobs       bool `json:"hasEveryJobs,omitempty"`
	InOrder            bool `json:"inOrder,omitempty"`
	DontTouch          bool `json:"dontTouch,omitempty"`
}

// JobStreamOptions are the options of a job stream in the plan.
type JobStreamOptions struct {
	Monitored    bool `json:"monitored,omitempty"`
	CarryForward bool `json:"carryForward,omitempty"`
}

// JobStreamStats counts the jobs of a job stream by status.
type JobStreamStats struct {
	NumberOfJob            int `json:"numberOfJob,omitempty"`
	NumberOfCurrentNodes   int `json:"numberOfCurrentNodes,omitempty"`
	NumberOfSuccessfullJob int `json:"numberOfSuccessfullJob,omitempty"` // spelled so on the wire
	NumberOfDeltaJob       int `json:"numberOfDeltaJob,omitempty"`
	NumberOfDeltaSuccJob   int `json:"numberOfDeltaSuccJob,omitempty"`
	NumberOfNotRunningJob  int `json:"numberOfNotRunningJob,omitempty"`
	NumberOfExecutingJob   int `json:"numberOfExecutingJob,omitempty"`
	NumberOfAbendedJob     int `json:"numberOfAbendedJob,omitempty"`
	NumberOfFailedJob      int `json:"numberOfFailedJob,omitempty"`
	NumberOfUndecidedJob   int `json:"numberOfUndecidedJob,omitempty"`
}

// ApprovalInfo is the state of a human task (approval job) of a job stream.
type ApprovalInfo struct {
	ID      string `json:"id,omitempty"`
	URL     string `json:"url,omitempty"`
	State   string `json:"state,omitempty"`
	Key     string `json:"key,omitempty"`
	Timeout bool   `json:"timeout,omitempty"`
}
